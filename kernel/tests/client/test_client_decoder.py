"""Decompression gives back what was compressed, and stops what explodes."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._client.decoder import BadCompression, CompressionBomb, Decoder


def decoder(encoding: str) -> Decoder:
    found = Decoder.for_encoding(encoding)
    assert found is not None
    return found


@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(["gzip", "deflate"]))
def test_any_split_gives_the_same_body(body: bytes, size: int, encoding: str) -> None:
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    unpacking = decoder(encoding)
    pieces = [unpacking.decode(packed[at : at + size]) for at in range(0, len(packed), size)]
    unpacking.finish()
    assert b"".join(pieces) == body


@given(st.binary(min_size=1, max_size=300), st.sampled_from(["gzip", "deflate"]))
def test_random_bytes_raise_nothing_else(noise: bytes, encoding: str) -> None:
    unpacking = decoder(encoding)
    try:
        unpacking.decode(noise)
        unpacking.finish()
    except BadCompression:
        return


def test_a_body_that_ends_early_is_bad() -> None:
    unpacking = decoder("gzip")
    unpacking.decode(gzip.compress(b"x" * 100)[:-1])
    with pytest.raises(BadCompression):
        unpacking.finish()


def test_a_small_body_may_be_packed_tightly_and_a_large_one_not() -> None:
    assert len(decoder("gzip").decode(gzip.compress(bytes(1024 * 1024)))) == 1024 * 1024
    with pytest.raises(CompressionBomb):
        decoder("gzip").decode(gzip.compress(bytes(2 * 1024 * 1024)))


def test_the_cap_holds() -> None:
    assert len(decoder("gzip").decode(gzip.compress(bytes(1000)), cap=1000)) == 1000
    with pytest.raises(CompressionBomb):
        decoder("gzip").decode(gzip.compress(bytes(1001)), cap=1000)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "rot13"])
def test_other_encodings_are_unknown(encoding: str) -> None:
    with pytest.raises(KeyError):
        Decoder.for_encoding(encoding)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_identity_needs_no_decoder(encoding: str) -> None:
    assert Decoder.for_encoding(encoding) is None
