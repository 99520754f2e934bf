"""Decompression of a provider's answer, with a guard against decompression bombs."""

import zlib

from attrs import define, field

_PIECE = 64 * 1024
_FREE_OUTPUT = 1024 * 1024
_MAX_RATIO = 100
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15


class CompressionBomb(Exception):
    """The output exceeds the allowed ratio or size."""


class BadCompression(Exception):
    """The input does not match its Content-Encoding, or ends too early."""


@define(eq=False)
class Decoder:
    """Decompresses one gzip or deflate body incrementally, and limits its expansion.

    Output of more than 1 MiB must not exceed 100 times the input.
    """

    _gzip: bool
    _inflater: "zlib._Decompress | None" = field(default=None, init=False)
    _consumed: int = field(default=0, init=False)
    _produced: int = field(default=0, init=False)

    @classmethod
    def for_encoding(cls, encoding: str) -> "Decoder | None":
        """The decoder for a Content-Encoding; None for identity. Raises KeyError if unknown."""
        encoding = encoding.strip().lower()
        if encoding in ("", "identity"):
            return None
        return cls({"gzip": True, "x-gzip": True, "deflate": False}[encoding])

    def decode(self, data: bytes, cap: int | None = None) -> bytes:
        """The output for the next `data`; `cap` limits the output of the whole body, in bytes."""
        pieces = []
        try:
            while data:
                piece, data = self._step(data)
                self._count(len(piece), cap)
                pieces.append(piece)
        except zlib.error as error:
            raise BadCompression from error
        return b"".join(pieces)

    def finish(self) -> None:
        """Raise BadCompression unless the body was empty or ended where its format says."""
        if self._inflater is not None and not self._inflater.eof:
            raise BadCompression

    def _step(self, data: bytes) -> tuple[bytes, bytes]:
        inflater = self._inflater
        if inflater is None or inflater.eof:
            inflater = self._inflater = self._next_member(data)
        piece = inflater.decompress(data, _PIECE)
        rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        self._consumed += len(data) - len(rest)
        return piece, rest

    def _next_member(self, data: bytes) -> "zlib._Decompress":
        if self._gzip:
            return zlib.decompressobj(_GZIP)
        if self._inflater is not None:
            raise BadCompression
        # "deflate" should be a zlib stream, but some servers send it without the wrapper.
        return zlib.decompressobj(_ZLIB if data[0] & 0x0F == zlib.DEFLATED else _RAW_DEFLATE)

    def _count(self, produced: int, cap: int | None) -> None:
        self._produced += produced
        if self._produced > max(_FREE_OUTPUT, _MAX_RATIO * self._consumed):
            raise CompressionBomb
        if cap is not None and self._produced > cap:
            raise CompressionBomb
