"""The terminal: boxes and colours for a person, plain text for everything else."""

import io
import json
import re
import sys

import pytest

import jackfield._cli
from jackfield._cli.terminal import bad, help_formatter, name, terminal_on


class Screen(io.StringIO):
    """A stream at which somebody looks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Screen()


def show(stream: io.StringIO) -> str:
    terminal = terminal_on(stream)
    terminal.panel("Title", [("label", name("value"))])
    terminal.table(("one", "empty", "two"), [("a", "", ("b", bad("!")))])
    return stream.getvalue()


def test_a_pipe_gets_plain_aligned_text() -> None:
    assert show(io.StringIO()) == "Title\n  label  value\n\nONE  TWO\na    b!\n"


def test_a_person_gets_boxes_and_colours(screen: Screen) -> None:
    text = show(screen)
    assert "╭" in text
    assert "\x1b[1;36mvalue" in text


def test_no_color_in_the_environment_removes_colours(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = show(screen)
    assert "╭" in text
    assert "\x1b[1;36m" not in text


def test_columns_in_the_environment_limit_the_width(screen: Screen) -> None:
    terminal_on(screen).panel("Title", [("label", "word " * 40)])
    text = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert max(map(len, text.splitlines())) == 60


def test_a_dumb_terminal_gets_plain_text(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert show(screen) == show(io.StringIO())


def test_without_rich_a_person_gets_plain_text(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "jackfield._cli.rich_terminal", raising=False)
    monkeypatch.delattr(jackfield._cli, "rich_terminal", raising=False)
    assert show(screen) == show(io.StringIO())
    monkeypatch.setattr(sys, "stdout", screen)
    assert help_formatter().__module__ == "argparse"


def test_help_is_in_colour_for_a_person(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", screen)
    assert help_formatter().__name__ == "RichHelp"


def test_what_a_stream_cannot_express_is_replaced() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    terminal_on(stream).line("a → b")
    stream.seek(0)
    assert stream.read() == "a ? b\n"


def test_narrow_as_the_screen_is_nothing_is_left_out(screen: Screen) -> None:
    terminal_on(screen).panel("Title", [("label", "w" * 70 + "!")])
    assert "!" in screen.getvalue()
    assert screen.getvalue().count("w") == 70


def test_control_characters_do_nothing_to_a_terminal(screen: Screen) -> None:
    for stream in (screen, io.StringIO()):
        terminal = terminal_on(stream)
        terminal.line("a\x1b[2Jb\x9bc", name("\x07"))
        assert "a\\x1b[2Jb\\x9bc" in stream.getvalue()
        assert "\\x07" in stream.getvalue()


def test_json_says_the_same_in_every_encoding() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="\n")
    terminal_on(stream).json({"né": "→"})
    stream.seek(0)
    assert json.load(stream) == {"né": "→"}


def test_numbers_and_names_stay_whole_if_there_is_room_for_every_word(screen: Screen) -> None:
    row = ("2026-11-24", "2fehdb501ihl", "$0.037098", "two words or three", "and some more")
    terminal_on(screen).table(("day", "key", "cost", "remark", "another"), [row])
    text = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert all(word in text for word in row[:3])
    assert max(map(len, text.splitlines())) <= 60


def test_a_table_that_is_too_wide_for_its_words_loses_nothing(screen: Screen) -> None:
    long = "<>" * 30
    terminal_on(screen).table(("one", "two"), [(long, long)])
    text = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("<") == text.count(">") == 60
