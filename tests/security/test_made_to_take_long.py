"""What is made to keep the gateway busy: were the work to grow as its square, it would not end."""

from contextlib import suppress

import pytest

from jackfield._scrubber import MOST_READ, Scrubber
from jackfield.endpoints import EndpointTable
from jackfield.errors import InvalidRequest, NotFound
from jackfield.forms import field_span
from jackfield_gemini.endpoints import endpoints as of_gemini
from jackfield_openai.endpoints import endpoints as of_openai

MANY = 300_000
PATHS = {
    "dots": "/v1/" + "." * MANY + "x",
    "spaces": "/v1/" + "%20." * MANY + "x",
    "letters": "/nothing/" + "A" * MANY,
    "words": "/nothing/" + "a_" * MANY,
    "colons": "/gemini/v1/models/" + ":" * MANY + "/b",
    "percents": "/v1/" + "%2525" * MANY,
}
TABLE = EndpointTable([*of_openai(), *of_gemini()])


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_no_path_takes_long_to_be_found_or_reported(path: str) -> None:
    with suppress(NotFound):
        TABLE.find("POST", path)


@pytest.mark.parametrize(
    "words",
    [
        *(start * MANY for start in ("sk-", "bearer-a", "a://", "at x(", 'File "')),
        "1.1.1.1:" + "1" * (MOST_READ - 20) + "a1",
    ],
    ids=lambda words: words[:8],
)
def test_no_words_of_a_provider_take_long_to_be_scrubbed(words: str) -> None:
    Scrubber("https://api.example/v1", ["sk-proj-0123456789"]).scrub(words.encode())


@pytest.mark.parametrize("media", ["; a=b", " " * 50 + ";", ';x="\\"', "; boundary"])
def test_no_content_type_takes_long_to_be_read(media: str) -> None:
    with pytest.raises(InvalidRequest):
        field_span(b"--", "multipart/form-data" + media * MANY, "model")
