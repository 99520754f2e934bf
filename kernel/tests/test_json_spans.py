"""Values are found and replaced in place, and nothing else moves."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import strict_json
from jackfield.json_spans import Path, TextSpan, replace, span_of, splice, texts

_words = st.sampled_from(
    [
        "model",
        '"model"',
        '"model":',
        '"model":"gpt"',
        "gpt",
        "\\",
        '\\"',
        "é",
        "😀",
        "{",
        "]",
        "a",
        "",
    ]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=20,
)


def _escaped(literal: str) -> str:
    return '"' + "".join(f"\\u{ord(char):04x}" for char in json.loads(literal)) + '"'


@st.composite
def _bodies(draw: st.DrawFn, values: st.SearchStrategy[Any] = _values) -> bytes:
    """A value written with random white space and random escapes."""

    def space() -> str:
        return draw(st.sampled_from(["", "", "", " ", "\r\n\t"]))

    def literal(text: str) -> str:
        plain = json.dumps(text, ensure_ascii=draw(st.booleans()))
        short = len(text) < 8 and text.isascii()
        return _escaped(plain) if short and draw(st.integers(0, 5)) == 0 else plain

    def write(value: Any) -> str:
        if isinstance(value, dict):
            inner = ",".join(
                f"{space()}{literal(key)}{space()}:{space()}{write(child)}{space()}"
                for key, child in value.items()
            )
            return "{" + (inner or space()) + "}"
        if isinstance(value, list):
            inner = ",".join(f"{space()}{write(child)}{space()}" for child in value)
            return "[" + (inner or space()) + "]"
        return literal(value) if isinstance(value, str) else json.dumps(value)

    return (space() + write(draw(values)) + space()).encode()


def _paths(tree: Any, path: Path = ()) -> list[Path]:
    found = [path]
    for step in (
        tree if isinstance(tree, dict) else range(len(tree) if isinstance(tree, list) else 0)
    ):
        found += _paths(tree[step], (*path, step))
    return found


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def _changed(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    tree = copy.deepcopy(tree)
    _at(tree, path[:-1])[path[-1]] = value
    return tree


@given(_bodies(), st.data())
def test_a_splice_changes_one_value_and_no_other_byte(body: bytes, data: st.DataObject) -> None:
    tree = strict_json.decode(body)
    path = data.draw(st.sampled_from(_paths(tree)))
    start, end = span_of(body, path)
    assert strict_json.decode(body[start:end]) == _at(tree, path)
    spliced = splice(body, path, ["new"])
    assert strict_json.decode(spliced) == _changed(tree, path, ["new"])
    assert spliced == body[:start] + b'["new"]' + body[end:]


_with_model = st.tuples(
    st.dictionaries(_words.filter(lambda key: key != "model"), _values, max_size=3),
    _words,
    st.dictionaries(_words.filter(lambda key: key != "model"), _values, max_size=3),
).map(lambda parts: {**parts[0], "model": parts[1], **parts[2]})


@given(_bodies(_with_model))
def test_the_quick_way_to_the_model_is_the_exact_way(body: bytes) -> None:
    known = strict_json.decode(body)["model"]
    quick = splice(body, ("model",), 'a"b\\é', known=known)
    assert quick == splice(body, ("model",), 'a"b\\é')
    assert strict_json.decode(quick)["model"] == 'a"b\\é'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"x"}',
        b'{"messages":[{"content":"\\"model\\":\\"x\\""}],"model":"x"}',
        b'{"messages":[{"content":"\\"model"}],"model":"x"}',
        b'{"a":{"model":"x"},"model":"x"}',
        b'{"a":{"model":"x"},"\\u006dodel":"x"}',
        b'{"a":{"model":"x"},"mo\\u0064el":"x"}',
        b'{"role":"model","model":"x"}',
        b'{"a\\"model":"x","model":"x"}',
        b'{"a":"\\u006d", "model" :\n "x" }',
        b'{"model":"\\u0078"}',
        b'{"model":  "x"}',
    ],
)
def test_look_alikes_of_the_model_are_left_alone(body: bytes) -> None:
    tree = strict_json.decode(body)
    spliced = splice(body, ("model",), "new", known="x")
    assert strict_json.decode(spliced) == {**tree, "model": "new"}


@pytest.mark.parametrize("path", [("a",), ("b", "0"), (0,), ("b", 1), ("b", 0, "c"), ("model",)])
def test_a_missing_path_is_a_key_error(path: Path) -> None:
    with pytest.raises(KeyError):
        splice(b'{"b":["x"]}', path, 1, known="x")


def test_an_unfinished_body_is_an_error_and_no_endless_loop() -> None:
    for body in (b'{"a":[', b'{"a"', b'{"a":{"b":"', b'{"a":{"x"', b"{", b'{"x":[1'):
        with pytest.raises((ValueError, KeyError, IndexError)):
            span_of(body, ("a", "b"))


BODY = b"""{ "messages": [
  {"role":"system", "content":"Be \\u0062rief"},
  {"role":"user","content":[{"type":"text","text":"h\xc3\xa9"},{"type":"image_url","image_url":{}}]},
  {"role":"assistant","content":null}], "seed": 1.50 }"""
PATTERNS = ("messages/*/content", "messages/*/content/*/text")


def test_texts_are_the_strings_that_a_pattern_reaches() -> None:
    assert texts(BODY, PATTERNS) == [
        TextSpan(("messages", 0, "content"), "Be brief"),
        TextSpan(("messages", 1, "content", 0, "text"), "hé"),
    ]


def test_a_star_matches_keys_and_a_name_goes_before_it() -> None:
    tree = {"a": {"x": {"b": "1"}, "y": {"b": "2", "c": "3"}}}
    found = texts(json.dumps(tree).encode(), ("a/*/b", "a/y/c", "*/x/*"))
    assert sorted(text.value for text in found) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "body",
    [b'"text"', b"1", b"[]", b"{}", b'{"messages":"x"}', b'{"messages":[1]}', b"[DONE]", b"", b"["],
)
def test_a_body_of_another_shape_has_no_texts(body: bytes) -> None:
    assert texts(body, PATTERNS) == []


def test_replaced_texts_leave_the_rest_as_it_was() -> None:
    changed = replace(BODY, {("messages", 1, "content", 0, "text"): 'a"\n'})
    assert changed == BODY.replace(b'"h\xc3\xa9"', b'"a\\"\\n"')


@given(_bodies(), st.data())
def test_replacing_many_texts_equals_replacing_each(body: bytes, data: st.DataObject) -> None:
    tree = strict_json.decode(body)
    strings = [path for path in _paths(tree) if isinstance(_at(tree, path), str)]
    chosen = data.draw(st.lists(st.sampled_from(strings), unique=True)) if strings else []
    expected = body
    for path in chosen:
        expected = splice(expected, path, "/".join(map(str, path)))
    assert replace(body, {path: "/".join(map(str, path)) for path in chosen}) == expected


def test_replacing_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="messages/7/content"):
        replace(BODY, {("messages", 7, "content"): "x", ("messages", 0, "content"): "y"})


def test_two_stars_match_every_string_below() -> None:
    body = b'{"input":{"to":"Anna","cc":["Ben",{"name":"Cleo","age":3}]},"id":"7"}'
    found = {span.value: span.is_json for span in texts(body, ["input/**", "input/cc/*/name"])}
    assert found == {"Anna": False, "Ben": False, "Cleo": False}


def test_two_stars_match_a_string_that_is_json_itself() -> None:
    (span,) = texts(rb'{"arguments":"{\"to\":\"Anna\"}"}', ["arguments/**"])
    assert (span.value, span.is_json) == ('{"to":"Anna"}', True)
    assert span.escaped('"A"\n') == r"\"A\"\n"
    assert TextSpan(("text",), "Anna").escaped('"A"') == '"A"'


def test_a_condition_looks_at_the_member_beside_the_text() -> None:
    body = (
        b'[{"type":"text","data":"a"},{"type":"base64","data":"AA=="},{"type":"text"},{"data":"b"}]'
    )
    assert texts(body, ["*/data?type=text"]) == [TextSpan((0, "data"), "a")]
