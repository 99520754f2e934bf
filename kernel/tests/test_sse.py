"""Server-sent events, as the WHATWG HTML standard has them."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield import sse
from jackfield.errors import ProviderError
from jackfield.sse import Event, Framer

BOM = b"\xef\xbb\xbf"


def _events(stream: bytes, *cuts: int) -> list[Event]:
    """The events that a client would dispatch."""
    framer = Framer()
    edges = [0, *sorted(cuts), len(stream)]
    batches = [framer.feed(stream[a:b]) for a, b in pairwise(edges)]
    parsed = [sse.parse(event) for batch in batches for event in sse.split(batch)]
    return [event for event in parsed if event.data is not None]


def _data(stream: bytes) -> list[bytes | None]:
    return [event.data for event in _events(stream)]


@pytest.mark.parametrize(
    ("stream", "data"),
    [
        pytest.param(BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n", [b"1", b"3"], id="bom"),
        pytest.param(BOM + BOM + b"data:1\n\ndata:2\n\n", [b"2"], id="two boms"),
        pytest.param(b"data:1\r:\0\n:\r\ndata:2\n:xx\rdata:3\n\n", [b"1\n2\n3"], id="comments"),
        pytest.param(
            b"data:\n\ndata\ndata\n\ndata:test\n\n", [b"", b"\n", b"test"], id="empty data"
        ),
        pytest.param(b"data:test\n\ndata", [b"test"], id="no blank line"),
        pytest.param(b"data:a\n\ndata:b\ndata:c", [b"a"], id="cut"),
        pytest.param(b"data: test\n\ndata:test\n\n", [b"test", b"test"], id="one space"),
        pytest.param(b"data:  test\n\ndata:\ttest\n\n", [b" test", b"\ttest"], id="more space"),
        pytest.param(b"data:test\r\ndata\r\ndata:test\r\n\r\n", [b"test\n\ntest"], id="crlf"),
        pytest.param(b"data:test\rdata\rdata:test\r\r", [b"test\n\ntest"], id="cr"),
        pytest.param(b"data:test\r\rdata:a\n\n\rdata:b\r\n\n", [b"test", b"a", b"b"], id="mixed"),
        pytest.param(b"data:a\0b\n\n", [b"a\0b"], id="null in data"),
        pytest.param(b"data:\0\n data:32\nData:1\ndata\0:1\n\n", [b"\0"], id="field names"),
        pytest.param(
            b"data:a\x0b\xc2\x85\xe2\x80\xa8b\n\n", [b"a\x0b\xc2\x85\xe2\x80\xa8b"], id="vt"
        ),
        pytest.param(b"retry:1000\nfoo:bar\nx\n\ndata:x\n\n", [b"x"], id="unknown fields"),
        pytest.param(b"\n\n\r\n\rdata:x\n\n\n\n\n", [b"x"], id="many blank lines"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(BOM, [], id="a bom alone"),
        pytest.param(b"\xef\xbb", [], id="half a bom"),
    ],
)
def test_a_stream_has_the_data_that_the_standard_says(
    stream: bytes, data: list[bytes | None]
) -> None:
    assert _data(stream) == data


def test_the_last_name_of_an_event_counts_and_is_not_kept_for_the_next() -> None:
    stream = b"event:a\nevent: test\ndata:x\n\ndata:y\n\nevent:\ndata:z\n\n"
    assert [event.event for event in _events(stream)] == ["test", "", ""]


def test_an_id_with_a_null_is_ignored() -> None:
    stream = b"id: 1\ndata:x\n\nid:2\0\ndata:y\n\nid\ndata:z\n\n"
    assert [event.id for event in _events(stream)] == ["1", None, ""]


_lines = st.lists(
    st.sampled_from(
        [b"data: x", b"data:", b"data", b":", b"event: e", b"", b"", b"\xef\xbb\xbfdata:1"]
    )
    | st.binary(max_size=4)
)


@st.composite
def _streams(draw: st.DrawFn) -> bytes:
    ends = draw(st.sampled_from([[b"\n"], [b"\r\n"], [b"\r"], [b"\n", b"\r\n", b"\r"]]))
    lines = draw(_lines)
    bom = draw(st.sampled_from([b"", b"", BOM]))
    return bom + b"".join(line + draw(st.sampled_from(ends)) for line in lines)


_cuts = st.lists(st.integers(0, 60), max_size=8)


@given(_streams(), _cuts)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [8])
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", [10])
@example(b"data: a\n\ndata: b\n\n", [8])
@example(b"data: a\r\rdata: b\r\r", [8])
@example(BOM + b"data: a\n\n", [1, 2])
def test_chunking_changes_no_event(stream: bytes, cuts: list[int]) -> None:
    assert _events(stream, *(cut for cut in cuts if cut < len(stream))) == _events(stream)


@given(_streams())
def test_chunks_of_one_byte_change_no_event(stream: bytes) -> None:
    assert _events(stream, *range(1, len(stream))) == _events(stream)


@given(_streams(), _cuts)
def test_no_byte_is_lost_but_a_leading_bom(stream: bytes, cuts: list[int]) -> None:
    framer = Framer()
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    out = b"".join(framer.feed(stream[a:b]) for a, b in pairwise(edges))
    assert out + framer.held in (stream, stream.removeprefix(BOM))


@given(_streams())
def test_single_events_joined_are_the_batch(stream: bytes) -> None:
    assert b"".join(sse.split(stream)) == stream
    assert all(event.endswith((b"\n", b"\r")) for event in sse.split(stream)[:-1])


@given(_streams())
@example(b"data: x\n\n")
@example(b"data: x\ry\n\n")
def test_quick_and_exact_reading_agree(stream: bytes) -> None:
    for event in sse.split(stream):
        assert sse.data_of(event) == sse.parse(event).data


@given(st.binary(), st.sampled_from(["", "message_start", "é"]))
def test_an_encoded_event_comes_back_as_one_event(data: bytes, name: str) -> None:
    (event,) = _events(sse.encode(data, name))
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert event == Event(lines, name)


@pytest.mark.parametrize("name", ["a\nb", "a\rdata: x"])
def test_a_name_with_a_line_break_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        sse.encode(b"x", name)


def test_an_event_goes_out_with_the_byte_that_ends_it() -> None:
    framer = Framer()
    assert framer.feed(b"data: x\r\n\r") == b"data: x\r\n\r"
    assert framer.feed(b"\ndata: y\r\n") == b""
    assert framer.feed(b"\r") == b"\ndata: y\r\n\r"


@pytest.mark.parametrize("chunk", [1 << 16, 4001, sse.MAX_EVENT + 1])
def test_an_endless_event_is_an_error(chunk: int) -> None:
    framer = Framer()
    for _ in range(sse.MAX_EVENT // chunk):
        assert framer.feed(b"x" * chunk) == b""
    with pytest.raises(ProviderError, match="4194304 bytes"):
        framer.feed(b"x" * chunk)


def test_an_event_of_the_greatest_size_in_small_chunks_is_one_event() -> None:
    framer = Framer()
    for _ in range(sse.MAX_EVENT // 64):
        assert framer.feed(b"x" * 64) == b""
    assert len(framer.feed(b"\n\n")) == sse.MAX_EVENT + 2
    assert framer.feed(b"data: y\n\n") == b"data: y\n\n"
