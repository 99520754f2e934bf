"""TLS settings: trusted authorities and the client certificate."""

import ssl
from pathlib import Path


def tls_context(
    ca_file: Path | None = None, cert_file: Path | None = None, key_file: Path | None = None
) -> ssl.SSLContext:
    """A context that trusts the system's authorities, or only those in `ca_file`.

    Raises ValueError that names the unusable file.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f"ca_file: {ca_file} holds no certificates in PEM: {error}") from None
    if cert_file is not None:
        try:
            # An empty password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(cert_file, key_file, password="")
        except OSError as error:
            reason = f"{cert_file} holds no certificate in PEM, or its key is not there: {error}"
            raise ValueError(f"cert_file: {reason}") from None
    return context
