"""TLS for clients: the listeners' own certificate, at least TLS 1.2."""

import logging
import ssl
from pathlib import Path

from jackfield.errors import ConfigError

logger = logging.getLogger("jackfield.server")


def tls_context(cert: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """A context that shows the certificate in `cert`. Raises ConfigError.

    With `client_ca` it asks clients for theirs, and turns away who has none of these authorities.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, cert, key, client_ca)
    return context


def renew(context: ssl.SSLContext, cert: Path, key: Path, client_ca: Path | None = None) -> None:
    """Use what is in the files now for clients that connect from now on; what is wrong is logged.

    An authority that has gone from `client_ca` is trusted on.
    """
    try:
        tls_context(cert, key, client_ca)  # a wrong one would leave the context without any
        _load(context, cert, key, client_ca)
    except ConfigError as error:
        logger.error("the certificate stays as it was: %s", error)


def _load(context: ssl.SSLContext, cert: Path, key: Path, client_ca: Path | None) -> None:
    files = f"{cert} and {key} (a certificate and its key, in PEM)"
    try:
        context.load_cert_chain(cert, key, password="")  # else OpenSSL asks the terminal for it
        if client_ca is not None:
            files = f"{client_ca} (certificates, in PEM)"
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise ConfigError([f"server.tls: {files}: {reason}"]) from error
