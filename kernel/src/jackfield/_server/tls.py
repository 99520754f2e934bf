"""TLS towards clients: the listeners' own certificate, at least TLS 1.2."""

import ssl
from pathlib import Path

from jackfield.errors import ConfigError


def tls_context(cert: Path, key: Path) -> ssl.SSLContext:
    """A context that shows the certificate in `cert`. Raises ConfigError."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise ConfigError([f"server.tls: {cert} and {key}: {reason}"]) from error
    return context
