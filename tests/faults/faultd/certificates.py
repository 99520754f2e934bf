"""TLS for the faulty upstream: one good certificate and several bad ones."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from attrs import field, frozen


@frozen
class Certificates:
    """A private authority; `ca_file` is what a client should trust."""

    directory: Path
    _authority: trustme.CA = field(factory=trustme.CA)
    _untrusted: trustme.CA = field(factory=trustme.CA)

    @property
    def ca_file(self) -> Path:
        """The authority's certificate, written as PEM."""
        path = self.directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def server_context(self, mode: str) -> ssl.SSLContext:
        """A server's context for `good`, `expired`, `wrong-host` or `untrusted`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate(mode).configure_cert(context)
        return context

    def _certificate(self, mode: str) -> trustme.LeafCert:
        past = datetime.now(UTC) - timedelta(days=1)
        if mode == "expired":
            return self._authority.issue_cert("localhost", "127.0.0.1", not_after=past)
        if mode == "wrong-host":
            return self._authority.issue_cert("example.invalid")
        authority = self._untrusted if mode == "untrusted" else self._authority
        return authority.issue_cert("localhost", "127.0.0.1")
