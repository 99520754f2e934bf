"""The sixth law: a plugin changes what it declares, through the methods that record it."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from jackfield.exchange import Exchange
from jackfield.plugin import Plugin, hookimpl
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks

_SERVERS_OWN: Final = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "transfer-encoding"}
)
_LINE_BREAKS: Final = frozenset("\r\n\0")


async def changes_what_it_declares(subject: Subject) -> None:
    """Requests of every kind, whole, streamed and failing."""
    for text in subject.texts:
        for stream in (False, True):
            async with run_harness(subject) as harness:
                await harness.read(stream=stream, text=text)
                await _check(harness)
    async with run_harness(subject) as harness:
        harness.fake.fail(503)
        await harness.read(model="pair")
        await _check(harness)


async def _check(harness: Harness) -> None:
    settled = await harness.settled()
    exchange, response = settled.exchange, settled.outcome.response
    _check_headers({**exchange.response_headers, **(response.headers if response else {})})
    if exchange.tree != exchange.json():
        raise LawBrokenError(
            "it changed exchange.tree, which is shared; change what exchange.json() gives, and"
            " hand that to replace_json"
        )
    undeclared = [failure for failure in exchange.failures if "UndeclaredChange" in failure]
    if undeclared:
        raise LawBrokenError(f"it changed what its `mutates` does not name: {undeclared[0]}")
    for call in harness.probe.calls:
        if call.direct:
            raise LawBrokenError(
                f"its {call.hook} set exchange.{call.direct[0]} itself; use the exchange's methods,"
                " which record the change"
            )


class Annotator(Plugin):
    """Leaves a note in every place of an exchange."""

    mutates = frozenset({"request"})
    on_error = "skip"

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Note, change, and fail."""
        exchange.note(self, list)
        exchange.set_response_header("x-annotator", "was here")
        exchange.replace_query("annotator=was-here")
        raise RuntimeError("so that there is a failure to be told of")


async def leaves_others_notes(subject: Subject) -> None:
    """What another plugin has noted is still there at the end."""
    toml = f'[plugins.annotator]\nuse = "annotator"\n{subject.toml}'
    kinds: dict[str, Any] = {"annotator": Annotator}
    for stream in (False, True):
        async with run_harness(evolve(subject, toml=toml), plugins=kinds) as harness:
            await harness.read(stream=stream)
            exchange = (await harness.settled()).exchange
            kept = {
                "state": harness.client.plugin("annotator") in exchange.state,
                "response_headers": "x-annotator" in exchange.response_headers,
                "changes": any(change.by == "annotator" for change in exchange.changes),
                "failures": any(failure.startswith("annotator.") for failure in exchange.failures),
            }
            for book, is_there in kept.items():
                if not is_there:
                    raise LawBrokenError(f"it took out of exchange.{book} what others had put in")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() in _SERVERS_OWN:
            raise LawBrokenError(f"it set the header {name}, which is the server's to set")
        if not _LINE_BREAKS.isdisjoint(value):
            raise LawBrokenError(f"the value of its header {name} holds a line break")


CHANGES = (
    Law(
        "declared-changes",
        "a plugin changes only what its `mutates` names, by recorded methods",
        changes_what_it_declares,
        has_hooks,
    ),
    Law("others-notes", "what others have noted is left alone", leaves_others_notes, has_hooks),
)
