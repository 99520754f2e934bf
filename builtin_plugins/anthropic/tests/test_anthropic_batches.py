"""The addresses in batches, which lead to the gateway."""

import pytest

from jackfield_anthropic.batches import at_home, door_of

BASE = "https://api.anthropic.com"
GATEWAY = "http://gateway.example/anthropic"


def test_results_are_fetched_where_the_batch_was_asked_for() -> None:
    body = b'{"data":[{"results_url": "%s/v1/messages/batches/b_1/results"}, {"results_url":null}]}'
    assert at_home(body % BASE.encode(), BASE + "/", GATEWAY) == body % GATEWAY.encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"results_url":"https://elsewhere.example/v1/messages/batches/b_1/results"}',
        b'{"results_url":"https://api.anthropic.com.elsewhere.example/v1/messages/batches/b"}',
        b'{"note":"https://api.anthropic.com/v1/messages/batches/b_1/results"}',
    ],
)
def test_all_else_stays_as_it_is(body: bytes) -> None:
    assert at_home(body, BASE, GATEWAY) == body


def test_the_door_is_the_clients_base_url() -> None:
    found = door_of("https", "[::1]:4747", "/anthropic/v1/messages/batches/b_1")
    assert found == "https://[::1]:4747/anthropic"
    assert door_of("http", "gateway.example", "/v1/messages/batches") == "http://gateway.example"


@pytest.mark.parametrize("host", ["", "a/b", "a@b", 'a"b', "a b"])
def test_what_is_no_host_is_no_door(host: str) -> None:
    assert door_of("http", host, "/v1/messages/batches") is None
