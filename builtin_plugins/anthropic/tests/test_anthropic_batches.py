"""The addresses in batches, which lead to the gateway."""

import pytest

from jackfield_anthropic.batches import client_base_url, with_client_urls

BASE = "https://api.anthropic.com"
GATEWAY = "http://gateway.example/anthropic"


def test_results_are_fetched_where_the_batch_was_created() -> None:
    body = b'{"data":[{"results_url": "%s/v1/messages/batches/b_1/results"}, {"results_url":null}]}'
    assert with_client_urls(body % BASE.encode(), BASE + "/", GATEWAY) == body % GATEWAY.encode()


@pytest.mark.parametrize(
    "body",
    [
        b'{"results_url":"https://elsewhere.example/v1/messages/batches/b_1/results"}',
        b'{"results_url":"https://api.anthropic.com.elsewhere.example/v1/messages/batches/b"}',
        b'{"note":"https://api.anthropic.com/v1/messages/batches/b_1/results"}',
    ],
)
def test_other_urls_and_members_are_unchanged(body: bytes) -> None:
    assert with_client_urls(body, BASE, GATEWAY) == body


def test_the_clients_base_url_is_taken_from_its_host_and_path() -> None:
    found = client_base_url("https", "[::1]:4747", "/anthropic/v1/messages/batches/b_1")
    assert found == "https://[::1]:4747/anthropic"
    assert (
        client_base_url("http", "gateway.example", "/v1/messages/batches")
        == "http://gateway.example"
    )


@pytest.mark.parametrize("host", ["", "a/b", "a@b", 'a"b', "a b"])
def test_an_invalid_host_has_no_base_url(host: str) -> None:
    assert client_base_url("http", host, "/v1/messages/batches") is None
