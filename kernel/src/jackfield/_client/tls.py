"""TLS to providers: always verified, at least TLS 1.2."""

import ssl
from pathlib import Path

from jackfield.errors import ConfigError


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities, or only those in `ca_file`."""
    try:
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            [f"ca_file {str(ca_file)!r} cannot be used: {error}; give a file of PEM certificates"]
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
