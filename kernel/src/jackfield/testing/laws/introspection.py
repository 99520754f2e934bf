"""A plugin's methods that describe it return values of the right types."""

from typing import Any

from jackfield.errors import GatewayError
from jackfield.providers import ModelInfo
from jackfield.testing.dialect import CHAT_PATH
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

from .upstream import is_canonical


async def reports_health(subject: Subject) -> None:
    """`health` is None or a line of text."""
    async with run_harness(subject) as harness:
        health = await harness.plugin.health()
        if health is not None and not isinstance(health, str):
            raise LawBrokenError(f"its health returned {health!r}; it is None or a line of text")


async def lists_what_it_serves(subject: Subject) -> None:
    """`models`, `lists`, `serves` and `losses` raise nothing."""
    async with run_harness(subject) as harness:
        provider = harness.gateway.providers[subject.name]
        for one in await _models(provider):
            if not isinstance(one, ModelInfo):
                raise LawBrokenError(f"its models returned {one!r}, which is no ModelInfo")
        answers = {"lists": provider.lists("a-model-that-nobody-has")}
        answers |= {f"serves({one.path!r})": provider.serves(one) for one in harness.gateway.table}
        for question, answer in answers.items():
            if not isinstance(answer, bool):
                raise LawBrokenError(f"its {question} returned {answer!r}, which is no bool")
        if any(loss.startswith("unknown dropped") for loss in await _losses(harness)):
            raise LawBrokenError("its losses failed on a plain request; the log says where")


async def _models(provider: Any) -> Any:
    try:
        return await provider.models()
    except GatewayError:
        return ()


async def _losses(harness: Harness) -> list[str]:
    message = {"role": "user", "text": harness.subject.texts[0]}
    body = {"model": f"{harness.subject.name}/any", "messages": [message]}
    request = {"path": CHAT_PATH, "body": body}
    answer = await harness.client.admin.post("/jackfield/explain", json=request)
    targets = (await answer.json()).get("plan", {}).get("targets", ())
    return [loss for target in targets for loss in target["losses"]]


INTROSPECTION = (
    Law("health", "health is None or a line of text", reports_health, everybody),
    Law(
        "listing",
        "a provider lists what it serves and what it loses",
        lists_what_it_serves,
        is_canonical,
    ),
)
