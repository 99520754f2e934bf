"""TLS towards clients: the listeners' own certificate, at least TLS 1.2."""

import logging
import ssl
from pathlib import Path

from jackfield.errors import ConfigError

logger = logging.getLogger("jackfield.server")


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


def renew(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    """Show what is in `cert` now to clients that connect from now on; what is wrong is logged."""
    try:
        tls_context(cert, key)  # a wrong one would leave the context without any
        context.load_cert_chain(cert, key)
    except (ConfigError, OSError) as error:
        logger.error("the certificate stays as it was: %s", error)
