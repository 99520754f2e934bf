"""Fields of multipart forms, found where they stand, and forms that servers read differently."""

import pytest

from jackfield.errors import InvalidRequest
from jackfield.forms import delimiter, field_span, field_spans

BLANK = b"\r\n\r\n"
MEDIA = "multipart/form-data; boundary=XyZ"
MODEL = b'Content-Disposition: form-data; name="model"\r\n\r\ngpt'
FILE = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"\r\n\0" * 9_999


def form(*parts: bytes) -> bytes:
    return b"".join([b"--XyZ\r\n" + part + b"\r\n" for part in parts]) + b"--XyZ--\r\n"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (form(MODEL, FILE), b"gpt"),
        (form(FILE, MODEL), b"gpt"),
        (b"preamble\r\n" + form(MODEL), b"gpt"),
        (
            form(b"Content-Type: text/plain\r\ncontent-disposition:form-data;name=model" + BLANK),
            b"",
        ),
    ],
    ids=["first", "last", "behind a preamble", "in other words, and empty"],
)
def test_a_field_is_found_wherever_it_stands(body: bytes, value: bytes) -> None:
    span = field_span(body, MEDIA, "model")
    assert span is not None
    assert body[slice(*span)] == value


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (form(FILE), MEDIA),
        (form(FILE + b"\r\n" + MODEL), MEDIA),
        (form(MODEL), "multipart/related; boundary=XyZ"),
        (b'{"model": "gpt"}', "text/plain"),
    ],
    ids=["another", "inside a file", "another kind", "no form"],
)
def test_what_is_no_field_is_not_found(body: bytes, media: str) -> None:
    assert field_span(body, media, "model") is None


def test_fields_of_one_name_are_found_in_their_order() -> None:
    tag = b'Content-Disposition: form-data; filename=a b; name="tag"\r\nX: 1\r\n\r\n'
    body = form(tag + b"1", MODEL, tag + b"2")
    assert [body[slice(*span)] for span in field_spans(body, MEDIA)["tag"]] == [b"1", b"2"]


ODD = {
    "twice": MODEL,
    "another letter case": MODEL.replace(b"name", b"NAME"),
    "another parameter first": MODEL.replace(b" name", b" x=1; name"),
    "spaces": MODEL.replace(b"name=", b"name ="),
    "escaped": MODEL.replace(b"model", b"mod\\el"),
    "an escaped quote": FILE.replace(b'"a"', b'"a\\"; name=model; x="'),
    "encoded": MODEL.replace(b'name="', b"name*=utf-8''").replace(b'"', b""),
    "two names": MODEL.replace(b" name", b' name="x"; name'),
    "two headers": b'Content-Disposition: form-data; name="x"\r\n' + MODEL,
    "folded": MODEL.replace(b"; name", b";\r\n name"),
    "a space before the colon": MODEL.replace(b":", b" :"),
    "line feeds": MODEL.replace(b"\r\n", b"\n"),
    "a long head": b"X: " + b"x" * 5_000 + b"\r\n" + MODEL,
    "a mark of another server": FILE + b"\n--XyZ\n" + MODEL.replace(b"\r\n", b"\n"),
    "no head": b"\r\ngpt",
}


@pytest.mark.parametrize("part", ODD.values(), ids=ODD)
def test_a_part_that_may_name_the_model_a_second_time_is_refused(part: bytes) -> None:
    with pytest.raises(InvalidRequest, match="The form cannot be accepted"):
        field_span(form(MODEL, part), MEDIA, "model")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        form(MODEL).removesuffix(b"\r\n--XyZ--\r\n"),
        form(MODEL) + form(FILE),
        b"x" + form(MODEL),
        form(MODEL).replace(b"\r\n", b"\n"),
        form(*[MODEL] * 1_001),
    ],
    ids=["nothing", "cut", "two forms", "in a line", "line feeds", "too many parts"],
)
def test_parts_that_cannot_be_told_apart_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="cannot be told apart"):
        field_span(body, MEDIA, "model")


@pytest.mark.parametrize(
    "media",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a; boundary=XyZ",
        "multipart/form-data; boundary*=utf-8''XyZ; boundary=a",
        "multipart/form-data; boundary=XyZ, multipart/form-data; boundary=a",
    ],
)
def test_a_boundary_that_is_in_doubt_is_refused(media: str) -> None:
    with pytest.raises(InvalidRequest, match="boundary"):
        field_span(form(MODEL), media, "model")


@pytest.mark.parametrize(
    "media",
    [
        "multipart/form-data; xboundary=a; boundary=XyZ",
        'Multipart/Form-Data; x="boundary=a"; Boundary="XyZ"; charset=utf-8;',
    ],
)
def test_only_the_boundary_is_taken_for_it(media: str) -> None:
    assert field_span(form(MODEL), media, "model") is not None


@pytest.mark.parametrize(
    ("media", "mark"),
    [
        (MEDIA, b"--XyZ"),
        ("multipart/form-data; xboundary=A; boundary=XyZ", b"--XyZ"),
        ('multipart/form-data; x="boundary=A"; boundary=XyZ', b"--XyZ"),
        ('multipart/form-data; boundary="X;yZ"', b"--X;yZ"),
        ("application/json; boundary=XyZ", b""),
    ],
)
def test_parts_begin_with_the_delimiter(media: str, mark: bytes) -> None:
    assert delimiter(media) == mark
