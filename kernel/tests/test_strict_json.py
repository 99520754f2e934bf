"""What of JSON is accepted, what is refused, and with which words."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import strict_json
from jackfield.errors import InvalidRequest

pytestmark = pytest.mark.timeout(120)
ACCEPTED = [
    b"{}",
    b"[]",
    b" [ 1 ,\r\n\t2 ] \n",
    b"0",
    b"-0",
    b"-0.0",
    b"1E+2",
    b"1e-999",
    b"0.12345678901234567890123456789",
    b"123456789012345678901234567890.5",
    b"18446744073709551615",
    b"99999999999999999999",
    b"-99999999999999999999",
    b"null",
    b'""',
    b'"\\/\\b\\f\\n\\r\\t\\"\\\\"',
    b'"\\ud83d\\ude00"',
    b'"\\\\ud800"',
    b'"\\u0000\\uFFFF\\u003a"',
    b'"\x7f"',
    '"é漢😀"'.encode(),
    b'{"a":":","b":"\\":","c" : "\\u003a"}',
    b'{"":{"":0}}',
    b'{"a":{"a":{"a":[{"a":1},{"a":1}]}}}',
    b'{"\\u0061":1,"b":2}',
    b"[" * 64 + b"]" * 64,
    b'"' + b"[" * 500 + b'"',
]

REFUSED = {
    b"": "empty",
    b" \n": "empty",
    b"\xef\xbb\xbf{}": "byte order mark",
    b"\xff\xfe[\x00]\x00": "byte order mark",
    b'{"a":"\xff"}': "not UTF-8 at byte 6",
    b'"\xc0\xaf"': "not UTF-8 at byte 1",
    b'"\xed\xa0\x80"': "not UTF-8 at byte 1",
    b'"\xf4\x90\x80\x80"': "not UTF-8 at byte 1",
    b"NaN": "NaN",
    b'{"a":Infinity}': "Infinity",
    b"[-Infinity]": "-Infinity",
    b"nan": "line 1, column 1",
    b"1e999": "1e999 is too large",
    b"[-1e999]": "-1e999 is too large",
    b"100000000000000000000": "more than 20 digits",
    b'{"a":-123456789012345678901}': "more than 20 digits",
    b"9" * 5000: "more than 20 digits",
    b'"\\ud800"': "half of a surrogate pair at line 1, column 2",
    b'{"a":\n "x\\udc00"}': "half of a surrogate pair at line 2, column 4",
    b'"\\ud83d\\u0041"': "surrogate",
    b'{"\\ud83d":1}': "surrogate",
    b'"\\ude00\\ud83d"': "surrogate",
    b"[1]x": "line 1, column 4",
    b"{} {}": "line 1, column 4",
    b"[1]\x00": "line 1, column 4",
    b"[1,]": "line 1, column",
    b'{"a":1,}': "line 1, column",
    b'{"a":1\n,,"b":2}': "line 2, column 2",
    b"{'a':1}": "line 1, column 2",
    b"{a:1}": "line 1, column 2",
    b"{1:1}": "line 1, column 2",
    b'{"a"}': "line 1, column",
    b'{"a":}': "line 1, column",
    b'{"a" 1}': "line 1, column",
    b"[1 2]": "line 1, column",
    b"[": "line 1, column",
    b'{"a":[}': "line 1, column",
    b'"abc': "line 1, column 1",
    b'"\\x41"': "line 1, column",
    b'"\\u00g0"': "line 1, column",
    b'"a\tb"': "line 1, column",
    b'"a\x00b"': "line 1, column",
    b"01": "line 1, column",
    b"-": "line 1, column",
    b"+1": "line 1, column",
    b".5": "line 1, column",
    b"1.": "line 1, column",
    b"1e": "line 1, column",
    b"0x1": "line 1, column",
    b"tru": "line 1, column",
    b"True": "line 1, column",
    b"\x0c[]": "line 1, column",
    "\u00a0[]".encode(): "line 1, column",
    b"[1]//": "line 1, column",
    b"[" * 65 + b"]" * 65: "deeper than 64",
    b'{"a":' * 65 + b"1" + b"}" * 65: "deeper than 64",
    b"[" * 100_000: "deeper than 64",
    b"[" * 100_000 + b"]" * 100_000: "deeper than 64",
}


@pytest.mark.parametrize("body", ACCEPTED, ids=lambda body: repr(body[:24]))
def test_valid_json_has_the_value_that_the_standard_library_reads(body: bytes) -> None:
    value = strict_json.decode(body)
    assert value == json.loads(body)
    assert repr(value) == repr(json.loads(body)) or body == b"-0"


@pytest.mark.parametrize("body", REFUSED, ids=lambda body: repr(body[:24]))
def test_refusals_say_what_is_wrong_and_where(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        strict_json.decode(body)
    assert REFUSED[body] in refusal.value.message
    assert len(refusal.value.message) < 200


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"model":"a","model":"a"}', "model"),
        (b'{"a":[{"b":{"c":1,"d":":","c":1}}]}', "c"),
        (b'{"model":"a","\\u006dodel":"b"}', "model"),
        (b'{"a":1,"a":{"x":1,"y":2}}', "a"),
        (b'{"a":"\\u003a","a":""}', "a"),
        (b'{"a":"::","a":"\\u003a\\u003A\\u003a"}', "a"),
        (b'{"":1,"":2}', ""),
    ],
)
def test_a_doubled_key_is_refused_and_named(body: bytes, key: str) -> None:
    with pytest.raises(InvalidRequest, match="twice") as refusal:
        strict_json.decode(body)
    assert refusal.value.param == key


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"model":"a","Model":"b"}', "Model"),
        (b'{"generationConfig":{},"GenerationConfig":{}}', "GenerationConfig"),
        ('{"stream":false,"\u017ftream":true}'.encode(), "\u017ftream"),
        ('{"top_k":1,"top_\u212a":2}'.encode(), "top_\u212a"),
        (b'{"a":"\\u003a","A":1}', "A"),
        (b'{"model":"a","Max_Tokens":99999}', "Max_Tokens"),
        (b'{"model":"a","\xc5\x87":1,"N":8}', "N"),
    ],
)
def test_members_of_the_body_that_are_one_to_some_servers_are_refused(
    body: bytes, key: str
) -> None:
    with pytest.raises(InvalidRequest, match="letters' case") as refusal:
        strict_json.decode(body)
    assert refusal.value.param == key


def test_further_inside_letters_may_differ_in_case_alone() -> None:
    assert strict_json.decode(b'[{"a":1,"A":2}]') == [{"a": 1, "A": 2}]
    assert strict_json.decode(b'{"metadata":{"a":1,"A":2}}')["metadata"] == {"a": 1, "A": 2}
    assert strict_json.decode(b'{"modelId":"a","Other":1}') == {"modelId": "a", "Other": 1}


def test_as_many_keys_as_allowed_pass_and_one_more_does_not() -> None:
    body = json.dumps([{"a": 1}] * 10_000).encode()
    assert len(strict_json.decode(body)) == 10_000
    with pytest.raises(InvalidRequest, match="10000 keys"):
        strict_json.decode(body[:-1] + b',{"a":1}]')


def test_many_colons_in_texts_are_not_many_keys() -> None:
    assert strict_json.decode(b'{"a":"%b"}' % (b":" * 20_000)) == {"a": ":" * 20_000}


def test_as_many_values_as_allowed_pass_and_one_more_does_not() -> None:
    texts = b'"\\\\", ",", "\\",", ' * 10
    body = b"[%b%b1]" % (texts, b"1," * (strict_json.MAX_VALUES - 31))
    assert len(strict_json.decode(body)) == strict_json.MAX_VALUES
    with pytest.raises(InvalidRequest, match="500000 values"):
        strict_json.decode(body.replace(b"[", b"[0,"))


def test_many_commas_in_texts_are_not_many_values() -> None:
    text = b',[{\\"\\\\' * 300_000
    assert len(strict_json.decode(b'["%b", "%b"]' % (text, text))) == 2


def test_a_string_may_be_8_mib_long_and_no_longer() -> None:
    text = b"x" * strict_json.MAX_STRING
    assert strict_json.decode(b'["%b"]' % text) == [text.decode()]
    with pytest.raises(InvalidRequest, match="byte 1 is longer than"):
        strict_json.decode(b'["%bx"]' % text)


def test_a_deep_body_is_refused_even_near_the_end_of_the_stack() -> None:
    def descend(levels: int) -> None:
        if levels:
            descend(levels - 1)
            return
        with pytest.raises(InvalidRequest, match="deeper"):
            strict_json.decode(b"[" * 200 + b"]" * 200)

    descend(700)


def _encoded(value: Any) -> st.SearchStrategy[bytes]:
    return st.sampled_from(
        [
            json.dumps(value).encode(),
            json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(),
            json.dumps(value, indent=1, separators=(" , ", " : ")).encode(),
        ]
    )


_texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text('":\\{}[], \n')
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20) + 1, 10**20 - 1)
    | _texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(_texts, inner),
)


@given(_values.flatmap(lambda value: st.tuples(st.just([value]), _encoded([value]))))
def test_every_json_value_comes_back(pair: tuple[Any, bytes]) -> None:
    value, body = pair
    assert strict_json.decode(body) == value


@given(st.lists(st.tuples(st.sampled_from(["a", ":", '"', "\\", "b"]), _values), max_size=5))
def test_an_object_is_refused_exactly_when_a_key_is_doubled(pairs: list[tuple[str, Any]]) -> None:
    members = (f"{json.dumps(key)}:{json.dumps(value)}" for key, value in pairs)
    body = ("[{" + ",".join(members) + "}]").encode()
    if len({key for key, _ in pairs}) == len(pairs):
        assert strict_json.decode(body) == [dict(pairs)]
    else:
        with pytest.raises(InvalidRequest, match="twice"):
            strict_json.decode(body)


@given(st.binary(max_size=60) | st.text('[]{}",:\\u0de1-.e tfn', max_size=40).map(str.encode))
def test_whatever_comes_is_read_or_refused(body: bytes) -> None:
    try:
        value = strict_json.decode(body)
    except InvalidRequest:
        return
    assert value == json.loads(body)


@pytest.mark.parametrize(
    ("value", "most"),
    [
        (b"[]", strict_json.MAX_VALUES),
        (b"{}", strict_json.MAX_VALUES),
        (b"0.5", strict_json.MAX_NUMBERS),
        (b'"a"', strict_json.MAX_NUMBERS),
    ],
)
def test_an_answer_may_have_so_many_values_and_more_numbers_than_objects(
    value: bytes, most: int
) -> None:
    values = [value] * (most + 2)
    assert strict_json.is_unwieldy(b"[%b]" % b",".join(values))
    assert not strict_json.is_unwieldy(b"[%b]" % b",".join(values[: most - 1]))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3),
        (3.9, 3),
        ("3", 3),
        (" 3.0 ", 3),
        ("9" * 400, strict_json.MOST_COUNTED),
        ("inf", strict_json.MOST_COUNTED),
        ("nan", None),
        ("many", None),
        (True, None),
        ([3], None),
    ],
)
def test_a_number_is_read_as_lenient_servers_read_it(value: Any, number: int | None) -> None:
    assert strict_json.number_in(value) == number
