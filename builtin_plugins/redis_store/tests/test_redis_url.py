"""Addresses of servers, written as URLs."""

import pytest

from jackfield.address import Address
from jackfield.secrets import SecretRef
from jackfield_redis_store.url import Location, RedisUrl


def test_a_url_says_where_the_server_is() -> None:
    assert Location.of("redis://cache.example.com:7000/3") == Location(
        Address("cache.example.com", 7000), database=3
    )
    assert Location.of("rediss://[::1]") == Location(Address("::1", 6379), tls=True)
    assert Location.of("unix:///run/redis.sock") == Location(Address(path="/run/redis.sock"))


def test_a_secret_url_may_have_a_user_and_a_password() -> None:
    location = Location.of("redis://ann:p%40ss@cache.example.com")
    assert location.username == "ann"
    assert location.password is not None
    assert location.password.reveal() == "p@ss"
    assert "p@ss" not in repr(location)
    assert "p@ss" not in repr(location.connection_options())


def test_a_reference_is_a_secret_elsewhere() -> None:
    assert RedisUrl.from_text("env:REDIS_URL") == RedisUrl(SecretRef("env", "REDIS_URL"))
    assert str(RedisUrl.from_text("env:REDIS_URL")) == "env:REDIS_URL"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("redis://:made-up@cache.example.com", "a password must not be in the file"),
        ("http://cache.example.com", "a secret must not be in the file"),
        ("redis://cache.example.com?ssl_cert_reqs=none", "contains options"),
        ("redis://cache.example.com:port", "port in the URL is not a port number"),
        ("redis://cache.example.com/first", "database in the URL is not a number"),
        ("unix://", "no path"),
    ],
)
def test_what_is_wrong_with_a_url_is_reported_without_repeating_it(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        RedisUrl.from_text(text)
    assert "made-up" not in str(caught.value)
    assert "cache.example.com" not in str(caught.value)


def test_a_url_is_shown_as_it_was_written() -> None:
    for text in ("redis://cache.example.com:7000/3", "rediss://[::1]:6379/0", "unix:///run/r.sock"):
        assert str(RedisUrl.from_text(text)) == text
