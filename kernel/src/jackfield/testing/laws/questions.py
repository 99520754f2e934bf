"""A plugin answers the kernel's questions about itself, each with a value of the right type."""

from typing import Any

from jackfield.errors import GatewayError
from jackfield.providers import ModelInfo
from jackfield.testing.dialect import CHAT_PATH
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody
from jackfield.testing.stage import Stage, stage

from .upstream import is_canonical


async def says_how_it_is(subject: Subject) -> None:
    """`health` is None or a line of text."""
    async with stage(subject) as on:
        said = await on.plugin.health()
        if said is not None and not isinstance(said, str):
            raise LawBrokenError(f"its health returned {said!r}; it is None or a line of text")


async def says_what_it_serves(subject: Subject) -> None:
    """`models`, `lists`, `serves` and `losses` raise nothing."""
    async with stage(subject) as on:
        provider = on.gateway.providers[subject.name]
        for one in await _models(provider):
            if not isinstance(one, ModelInfo):
                raise LawBrokenError(f"its models returned {one!r}, which is no ModelInfo")
        told = {"lists": provider.lists("a-model-that-nobody-has")}
        told |= {f"serves({one.path!r})": provider.serves(one) for one in on.gateway.table}
        for question, answer in told.items():
            if not isinstance(answer, bool):
                raise LawBrokenError(f"its {question} returned {answer!r}, which is no bool")
        if any(loss.startswith("unknown dropped") for loss in await _losses(on)):
            raise LawBrokenError("its losses failed on a plain request; the log says where")


async def _models(provider: Any) -> Any:
    try:
        return await provider.models()
    except GatewayError:
        return ()


async def _losses(on: Stage) -> list[str]:
    said = {"role": "user", "text": on.subject.texts[0]}
    body = {"model": f"{on.subject.name}/any", "messages": [said]}
    asked = {"path": CHAT_PATH, "body": body}
    answer = await on.client.admin.post("/jackfield/explain", json=asked)
    targets = (await answer.json()).get("plan", {}).get("targets", ())
    return [loss for target in targets for loss in target["losses"]]


QUESTIONS = (
    Law("health", "health is None or a line of text", says_how_it_is, everybody),
    Law(
        "listing",
        "a provider can say what it serves and what it loses",
        says_what_it_serves,
        is_canonical,
    ),
)
