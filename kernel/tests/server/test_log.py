"""What is logged is written in the requested form, and nobody waits for it."""

import io
import json
import logging
import os
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import TextIO

import pytest

from jackfield._server.log import LogWriter, log_as, written_aside

LINE = "x" * 9_999 + "\n"
TOO_MANY = 1000


@pytest.fixture
def pipe() -> Iterator[tuple[TextIO, TextIO]]:
    """The two ends of a pipe: what is written to, and what is read."""
    out, entrance = os.pipe()
    with open(entrance, "w", encoding="utf-8") as written, open(out, encoding="utf-8") as read:
        yield written, read


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_is_one_object_a_line_with_what_the_message_names() -> None:
    with redirect_stderr(io.StringIO()) as seen:
        log_as("json", "info")
        logging.getLogger("there").info("refused path=%(path)s", {"path": "/ü\u2028\n"})
        try:
            raise ValueError("no")
        except ValueError:
            logging.exception("it broke")
    refused, broke = map(json.loads, seen.getvalue().splitlines())
    assert (refused["level"], refused["logger"], refused["path"]) == ("info", "there", "/ü\u2028\n")
    assert refused["message"] == "refused path=/ü\u2028\n"
    assert broke["traceback"].endswith("ValueError: no")


def test_whatever_a_message_names_the_line_is_json_and_keeps_its_own_names() -> None:
    with redirect_stderr(io.StringIO()) as seen:
        log_as("json", "info")
        logging.info("%(level)s %(what)s", {"level": "own", "what": Path("/here")})
    facts = json.loads(seen.getvalue())
    assert (facts["level"], facts["what"], facts["message"]) == ("info", "/here", "own /here")


def test_text_has_the_time_in_utc() -> None:
    with redirect_stderr(io.StringIO()) as seen:
        log_as("text", "warning")
        logging.getLogger("there").info("too little")
        much = logging.makeLogRecord(
            {
                "levelno": 30,
                "levelname": "WARNING",
                "name": "there",
                "created": 0.5,
                "msecs": 500.0,
                "msg": "much",
            }
        )
        logging.getLogger("there").handle(much)
    assert seen.getvalue() == "1970-01-01T00:00:00.500Z WARNING there much\n"


def test_a_reader_that_stalls_costs_lines_and_keeps_nobody(pipe: tuple[TextIO, TextIO]) -> None:
    written, read = pipe
    with redirect_stderr(written), written_aside() as stderr:
        log_as("text", "info")
        for _ in range(TOO_MANY):
            stderr.write(LINE)
        taken = 0
        while (line := read.readline()) == LINE:
            taken += 1
    assert line.endswith(f"{TOO_MANY - taken} lines of the log were dropped\n")


def test_without_a_thread_it_does_not_wait_either(pipe: tuple[TextIO, TextIO]) -> None:
    written, read = pipe
    os.set_blocking(written.fileno(), False)
    with io.FileIO(written.fileno(), "w", closefd=False) as raw:
        while raw.write(b"\n" * 4096):
            pass
    os.set_blocking(written.fileno(), True)
    with redirect_stderr(written):
        log_as("text", "info", waits=False)
        logging.getLogger("there").error("lost")
    written.close()
    assert "lost" not in read.read()


def test_what_comes_after_the_end_is_written_at_once(pipe: tuple[TextIO, TextIO]) -> None:
    written, read = pipe
    writer = LogWriter(written)
    writer.write("before\n")
    writer.close()
    writer.write("after\n")
    written.close()
    assert read.read() == "before\nafter\n"


def test_what_cannot_be_encoded_is_escaped(pipe: tuple[TextIO, TextIO]) -> None:
    written, read = pipe
    writer = LogWriter(written)
    writer.write("ü \udcff\n")
    assert read.readline() == "ü \\udcff\n"
    writer.close()
