"""The plugins that the documentation shows keep the laws themselves."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from attrs import evolve
from tests.pages import DOCS, blocks

from jackfield import Plugin
from jackfield.testing import FakeUpstream, UpstreamReply
from jackfield.testing.checking import laws_for, subject_of
from jackfield.testing.harness import CANARY
from jackfield.testing.law import Law, Subject

PAGE = DOCS / "write_a_plugin.md"
KEY = "env:JACKFIELD_DOCUMENTED_KEY"
NOWHERE = "http://127.0.0.1:1"
OPTIONS: dict[str, dict[str, Any]] = {
    "Corporate": {"identity_url": NOWHERE, "client_secret": KEY},
    "OneKey": {"key": KEY},
    "Policy": {"base_url": NOWHERE},
    "Shadow": {"model": "spare/echo"},
}
CALLS_OUT = {"Corporate": "identity_url", "Policy": "base_url"}
"""The plugins that call a server of their own, and the option that says where it is."""

WITHOUT_HOOKS = "Priced"
"""It is there for its configuration."""


def shown() -> Iterator[type[Plugin]]:
    """The plugins that the page builds up, as it has them at its end."""
    module = ModuleType("shown")
    sys.modules[module.__name__] = module
    for block in blocks(PAGE):
        if block.kind == "python" and block.file is None:
            exec(compile(block.text, PAGE.name, "exec"), vars(module))  # noqa: S102 - our own page
    for found in vars(module).values():
        if isinstance(found, type) and issubclass(found, Plugin) and found.__module__ == "shown":
            yield found


@asynccontextmanager
async def helpful(option: str) -> AsyncIterator[Mapping[str, str]]:
    """A server that agrees to everything, and has a token for everybody."""
    async with FakeUpstream() as server:
        server.always(UpstreamReply(parts=(b'{"access_token": "token", "expires_in": 3600}',)))
        yield {option: server.base_url}


def cases() -> Iterator[tuple[Law, Subject]]:
    for kind in (one for one in shown() if one.__name__ != WITHOUT_HOOKS):
        headers = {"authorization": f"Bearer {CANARY}"} if kind.authenticates else {}
        subject = subject_of(kind, OPTIONS.get(kind.__name__), headers=headers)
        if option := CALLS_OUT.get(kind.__name__):
            subject = evolve(subject, beside=partial(helpful, option))
        yield from ((law, subject) for law in laws_for(subject))


CASES = [*cases()]


@pytest.mark.parametrize(
    ("law", "subject"), CASES, ids=[f"{subject.name}-{law.id}" for law, subject in CASES]
)
def test_a_documented_plugin_keeps_the_laws(law: Law, subject: Subject) -> None:
    law.hold(subject)
