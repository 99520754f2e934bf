"""Tokens from Microsoft Entra for the identity of an Azure machine or app.

Sources: "How to use managed identities on an Azure VM to acquire an access token" and, for App
Service, Functions and Container Apps, "How to use managed identities for App Service".
"""

import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from attrs import frozen

from jackfield.errors import ProviderError
from jackfield.tokens import Token

from .entra import Send

_OF_MACHINES: Final = "http://169.254.169.254/metadata/identity/oauth2/token"


class _Granted(msgspec.Struct):
    access_token: str
    expires_on: float


@frozen
class Issuer:
    """A token issuer: its URL, its version, and the header that it requires."""

    url: str
    version: str
    header: bytes

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Issuer":
        """The app's issuer if its environment names one, else the machine's."""
        url, word = environ.get("IDENTITY_ENDPOINT"), environ.get("IDENTITY_HEADER")
        if url and word:
            return cls(url, "2019-08-01", b"X-IDENTITY-HEADER: %b\r\n" % word.encode())
        return cls(_OF_MACHINES, "2018-02-01", b"Metadata: true\r\n")

    @property
    def origin(self) -> str:
        """The address without its path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@frozen
class ManagedIdentity:
    """The identity, as configured for `provider`; without a `client_id` the machine's own."""

    provider: str
    client_id: str | None
    scope: str
    issuer: Issuer
    send: Send

    async def fetch(self) -> Token:
        """A new token. Raises ProviderError if there is none."""
        query = {
            "api-version": self.issuer.version,
            "resource": self.scope.removesuffix("/.default"),
        }
        if self.client_id is not None:
            query["client_id"] = self.client_id
        path = f"{urlsplit(self.issuer.url).path}?{urlencode(query)}"
        status, body = await self.send(path, self.issuer.header, b"")
        try:
            granted = msgspec.json.decode(body, type=_Granted, strict=False)
        except msgspec.MsgspecError as error:
            raise ProviderError(
                f"There is no managed identity: Azure answered {status}; give this machine one,"
                " or check `client_id` of the provider's `auth`.",
                provider=self.provider,
            ) from error
        return Token(granted.access_token, max(granted.expires_on - time.time(), 0))
