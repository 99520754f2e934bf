"""What is wrong with the table of an HTTP provider is found before anything is sent."""

import pytest

from jackfield._gateway import Gateway
from jackfield._loader import Installed
from jackfield.config import parse
from jackfield.errors import ConfigError
from jackfield.http_provider import HttpProvider

TABLE = """\
[providers.api]
base_url = "https://api.example/v1"
"""


def problems(more: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Gateway(parse(TABLE + more), Installed({}, {"api": HttpProvider}))
    return caught.value.problems


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('ca_file = "/nowhere.pem"', "3:11: providers.api.ca_file: '/nowhere.pem' cannot be used"),
        (
            'headers = { X-Team = "a\\r\\nb" }',
            "3:11: providers.api.headers: the value of the header 'X-Team' contains an invalid",
        ),
        (
            'headers = { Host = "elsewhere" }',
            "3:11: providers.api.headers: the header 'Host' is set by the client itself",
        ),
        (
            'headers = { "X Team" = "env:TEAM" }',
            "3:11: providers.api.headers: the header name 'X Team' may only contain",
        ),
    ],
)
def test_what_cannot_be_sent_or_trusted_is_found_at_its_key(
    line: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM", "search")
    (found,) = problems(line)
    assert found.startswith(f"jackfield.toml:{problem}")


def test_all_that_is_wrong_with_a_table_is_named_at_once() -> None:
    (found,) = problems('ca_file = "/nowhere.pem"\nheaders = { Host = "elsewhere" }')
    assert found.startswith("jackfield.toml:3:11: providers.api.ca_file: '/nowhere.pem' cannot be")
    assert found.endswith("; headers: the header 'Host' is set by the client itself")


def test_a_secret_of_a_header_is_named_as_the_file_names_it() -> None:
    (found,) = problems('headers = { X-Team = "env:TEAM_THAT_IS_NOT_SET" }')
    assert found.startswith("jackfield.toml:3:22: providers.api.headers.X-Team: the environment")
