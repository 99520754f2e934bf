"""Holds a broken plugin to one law."""

from collections.abc import Callable
from typing import Any

import pytest

from jackfield import Plugin
from jackfield.testing.law import LawBrokenError, Subject
from jackfield.testing.laws import LAWS

Verdict = Callable[..., str]


@pytest.fixture
def verdict() -> Verdict:
    """What the kit says of a plugin under one law; fails when it has nothing to say."""

    def of(kind: type[Plugin], law_id: str, **config: Any) -> str:
        (law,) = [law for law in LAWS if law.id == law_id]
        subject = Subject(kind.__name__.lower(), kind, config)
        assert law.binds(subject), f"{law_id} does not bind {kind.__name__}"
        with pytest.raises(LawBrokenError) as broken:
            law.hold(subject)
        message = str(broken.value)
        assert message.startswith(f"{law.id}: {law.statement}\nplugin {subject.name!r} (")
        assert kind.__qualname__ in message
        return message

    return of
