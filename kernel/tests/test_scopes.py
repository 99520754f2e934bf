"""Which requests are in which scope."""

import pytest

from jackfield import Principal, Target
from jackfield.scopes import Scope, Subject

PRINCIPAL = Principal("acme", scopes=("organization:acme", "team:search", "team:core", "key:1"))
SIGHT = Subject(
    PRINCIPAL,
    Target("openai", "gpt-5-mini"),
    "fast",
    {"feature": "chat", "session": "42"},
    "10.0.0.1",
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("gateway", [""]),
        ("organization:acme", ["acme"]),
        ("organization:globex", []),
        ("team:search", ["search"]),
        ("team:*", ["search", "core"]),
        ("user:*", []),
        ("key:1", ["1"]),
        ("provider:openai", ["openai"]),
        ("provider:*", ["openai"]),
        ("model:openai/gpt-5*", ["openai/gpt-5*"]),
        ("model:gpt-5-mini", ["gpt-5-mini"]),
        ("model:fast", ["fast"]),
        ("model:gpt-5", []),
        ("tag:feature=chat", ["chat"]),
        ("tag:feature=*", ["chat"]),
        ("tag:feature=mail", []),
        ("tag:other=*", []),
        ("session", ["42"]),
        ("ip:10.0.0.1", ["10.0.0.1"]),
        ("ip:*", ["10.0.0.1"]),
    ],
)
def test_a_scope_finds_its_values(text: str, values: list[str]) -> None:
    assert Scope.from_text(text).values(SIGHT) == values


def test_without_a_target_nothing_is_in_the_scope_of_one() -> None:
    before = Subject(PRINCIPAL, None, "fast", {})
    assert Scope.from_text("provider:*").values(before) == []
    assert Scope.from_text("model:*").values(before) == []
    assert Scope.from_text("key:1").values(before) == ["1"]


def test_values_count_by_themselves_where_there_is_a_star_and_models_never_do() -> None:
    assert Scope.from_text("key:*").each
    assert Scope.from_text("session").each
    assert not Scope.from_text("key:1").each
    assert not Scope.from_text("model:*").each


@pytest.mark.parametrize(
    "text", ["", "planet:mars", "team", "team:", "tag:x", "tag:=x", "tag:x=", "gateway:all"]
)
def test_what_is_no_scope_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="scope"):
        Scope.from_text(text)
