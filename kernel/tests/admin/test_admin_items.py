"""Things as JSON, and the schemas of their classes."""

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest
from attrs import frozen
from openapi_schema_validator import OAS31Validator

from jackfield.address import Address
from jackfield.admin.change import Stored
from jackfield.admin.item_codec import ItemCodec, Unreadable
from jackfield.admin.items import differing, digest, merged, plain, read_item
from jackfield.admin.schema import created_schema, schema_of
from jackfield.config import option
from jackfield.errors import InvalidRequest


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@frozen
class Part:
    size: int = option(doc="How large it is.")
    text: str | None = option(None, "What is on it.")


@frozen
class Item:
    colour: Colour = option(Colour.RED)
    until: dt.datetime | None = option(None)
    parts: tuple[Part, ...] = option(())
    words: dict[str, str] = option({})
    pair: tuple[int, str] | None = option(None)
    at: Address | None = option(None)
    kinds: frozenset[str] = option(frozenset())
    share: float | None = option(None)


TREE: Mapping[str, Any] = {
    "colour": "blue",
    "until": "2027-01-31T00:00:00+00:00",
    "parts": [{"size": 3, "text": "x"}, {"size": 4}],
    "words": {"team": "web"},
    "pair": [1, "a"],
    "at": "127.0.0.1:80",
    "kinds": ["a", "b"],
    "share": 0.5,
}


def test_an_item_is_read_and_written_without_loss() -> None:
    stored = read_item(Item, TREE)
    assert stored.until == dt.datetime(2027, 1, 31, tzinfo=dt.UTC)
    assert plain(stored) == TREE
    codec = ItemCodec(Item)
    item, envelope = codec.decode(codec.encode(Stored("a", stored, 0, 1.0, 2.0, "a.toml", "m")))
    assert item == stored
    assert (envelope.created, envelope.updated, envelope.mark) == (1.0, 2.0, "m")


def test_the_schema_accepts_what_is_read_and_refuses_what_is_not() -> None:
    schema = OAS31Validator(created_schema(Item))
    assert schema.is_valid(TREE)
    assert schema.is_valid({})
    wrongs: list[Any] = [{"colour": "green"}, {"pair": [1]}, {"parts": [{}]}, {"sise": 1}]
    for wrong in wrongs:
        assert not schema.is_valid(wrong)


def test_any_value_has_a_schema_that_accepts_it() -> None:
    assert schema_of(Any) == {}
    assert schema_of(int | str) == {"anyOf": [{"type": "integer"}, {"type": "string"}]}


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ({"until": "2027-01-31"}, "until"),
        ({"until": "2027-01-31T00:00:00"}, "until"),
        ({"until": "soon"}, "until"),
        ({"parts": [{"size": "3"}]}, "parts[0].size"),
        ({"words": {"team": 1}}, "words.team"),
        ({"colour": "green"}, "colour"),
        ({"at": "nowhere"}, "at"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(tree: Mapping[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_item(Item, tree)
    assert caught.value.param == param
    assert param in caught.value.message


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(InvalidRequest, match=r"colour: .*; share: "):
        read_item(Item, {"colour": "green", "share": "half"})


@frozen
class Plain:
    """A class whose values JSON can say, so that it is read in the fast way."""

    colour: Colour = option(Colour.RED)
    until: dt.datetime | None = option(None)
    parts: tuple[Part, ...] = option(())
    words: dict[str, str] = option({})
    kinds: frozenset[str] = option(frozenset())


def test_the_fast_way_of_reading_reads_the_same() -> None:
    tree = {key: TREE[key] for key in ("colour", "until", "parts", "words", "kinds")}
    stored = read_item(Plain, tree)
    codec = ItemCodec(Plain)
    assert codec.decode(codec.encode(Stored("a", stored, 0, 1.0, 1.0)))[0] == stored


@pytest.mark.parametrize("cls", [Item, Plain])
def test_what_another_version_has_kept_is_still_read(cls: type[Any]) -> None:
    data = b'{"item":%b,"created":1,"updated":1,"declared_in":"","mark":""}'
    item, _ = ItemCodec(cls).decode(data % b'{"colour":"blue","weight":3}')
    assert item.colour is Colour.BLUE
    with pytest.raises(Unreadable, match=cls.__name__):
        ItemCodec(cls).decode(data % b'{"colour":"green"}')


@pytest.mark.parametrize(
    ("tree", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ],
)
def test_a_patch_merges_as_its_standard_says(
    tree: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]
) -> None:
    assert merged(tree, patch) == result


def test_a_digest_distinguishes_states_and_fields_that_differ_are_named() -> None:
    one, other = Item(share=0.5), Item(share=0.6)
    assert digest(one) == digest(Item(share=0.5)) != digest(other)
    assert differing(one, other) == ("share",)
    assert digest(None) == ""
