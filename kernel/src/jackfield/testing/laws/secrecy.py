"""No secret, credential or user's text gets into logs, errors and representations."""

import base64
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from urllib.parse import quote

import attrs

from jackfield.testing.harness import CANARY, Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_PROMPT = "canary/prompt+5kTq83"
_HEADER = "canary/header+9fRw27"
_CREDENTIALS = ("authorization", "x-api-key", "api-key", "cookie")


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


async def keeps_secrets(subject: Subject) -> None:
    """Put canaries where secrets are, and look for them where they must not be."""
    headers = dict.fromkeys(_CREDENTIALS, f"Bearer {_HEADER}")
    subject = attrs.evolve(subject, headers={**headers, **subject.headers}, texts=(_PROMPT,))
    given = [value for name, value in subject.headers.items() if name.lower() in _CREDENTIALS]
    canaries = {CANARY: "a secret", _PROMPT: "the text of a request", _HEADER: "a credential"}
    canaries |= {value.removeprefix("Bearer "): "a credential" for value in given}
    with _everything_written() as written:
        shown = await _provoke(subject)
    shown |= {"the log": "\n".join(written[0].lines), "the output": written[1].getvalue()}
    for place, text in shown.items():
        for canary, what in canaries.items():
            if any(form in text for form in _forms(canary)):
                raise LawBrokenError(f"{what} was found in {place}: {_around(text, canary)}")


async def _provoke(subject: Subject) -> dict[str, str]:
    """Have requests answered and refused; everything that is shown of them, by place."""
    shown: dict[str, str] = {}
    for status in (0, 400, 503):
        async with run_harness(subject) as harness:
            if status:
                harness.fake.fail(status)
            if not subject.is_provider:
                await _note(harness, shown, stream=False)
                await _note(harness, shown, stream=True)
            shown["its repr"] = repr(harness.plugin)
            shown["the repr of its configuration"] = repr(harness.plugin.config)
            shown["its health"] = str(await harness.plugin.health())
            shown["the access log"] = harness.client.log()
    return shown


async def _note(harness: Harness, shown: dict[str, str], *, stream: bool) -> None:
    answer = await harness.start_chat(stream=stream)
    body = await answer.read()
    exchange = harness.client.settled[-1].exchange
    shown["the headers of the answer"] = str(list(answer.headers.items()))
    shown["the notes of its failures"] = "\n".join(exchange.failures)
    if answer.status >= 400:
        shown["the body of an error"] = body.decode(errors="replace")
    if exchange.plan is not None:
        shown["the reasons of the plan"] = str(exchange.plan.decisions)


@contextmanager
def _everything_written() -> Iterator[tuple[_Records, io.StringIO]]:
    """All that is logged, at every level, and all that is printed."""
    records, output, root = _Records(), io.StringIO(), logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(output), redirect_stderr(output):
            yield records, output
    finally:
        root.removeHandler(records)
        root.setLevel(level)


def _forms(canary: str) -> Iterator[str]:
    """The ways in which a text may be hidden in another."""
    yield canary
    yield quote(canary, safe="")
    yield canary.encode().hex()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + canary.encode()).decode()
        yield encoded[4 if shift else 0 : -4]


def _around(text: str, canary: str) -> str:
    at = max(text.find(canary), 0)
    return repr(text[max(0, at - 60) : at + 60].replace(canary, "(canary)"))


SECRECY = (
    Law("secrecy", "no secret and no text of a user is logged or shown", keeps_secrets, everybody),
)
