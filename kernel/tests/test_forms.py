"""Fields of multipart forms, found where they stand."""

import pytest

from jackfield.forms import field_span

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
    "body",
    [
        b"",
        form(FILE),
        form(MODEL, MODEL),
        form(MODEL).removesuffix(b"\r\n--XyZ--\r\n"),
        form(FILE + b"\r\n" + MODEL),
    ],
    ids=["nothing", "another", "twice", "cut", "inside a file"],
)
def test_what_is_no_field_or_not_the_only_one_is_not_found(body: bytes) -> None:
    assert field_span(body, MEDIA, "model") is None
