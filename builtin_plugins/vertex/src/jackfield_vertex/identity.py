"""The gateway's identity at Google Cloud: a service account, its machine, or the default.

Google's library handles all kinds of credentials; its network calls go through the gateway's own
client, from a worker thread.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import google.auth
import msgspec
from google.auth import compute_engine
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.oauth2 import service_account

from jackfield.errors import ConfigError, ProviderError
from jackfield.setup import Setup
from jackfield.tokens import Token

from .credentials import CredentialsTable
from .transport import LoopRequest, Origin

_SCOPES: Final = ("https://www.googleapis.com/auth/cloud-platform",)
_SHORTEST: Final = 60.0
_CREDENTIAL_ERRORS: Final = (GoogleAuthError, KeyError, ValueError, TypeError, AttributeError)
"""What the library raises, also for answers that it does not expect."""


class Identity:
    """One identity of Google Cloud, and its project if known."""

    def __init__(self, provider: str, credentials: Any, request: LoopRequest) -> None:
        self._provider = provider
        self._credentials = credentials
        self._request = request
        self.project: str | None = getattr(credentials, "project_id", None)
        self.quota_project: str | None = getattr(credentials, "quota_project_id", None)

    async def fetch(self) -> Token:
        """A new token. Raises ProviderError if Google gives none."""
        try:
            await asyncio.to_thread(self._credentials.refresh, self._request)
        except _CREDENTIAL_ERRORS as error:
            raise ProviderError(
                "Google gave no access token; check the provider's `credentials`.",
                provider=self._provider,
            ) from error
        text = self._credentials.token
        if not isinstance(text, str):
            raise ProviderError("Google gave no access token.", provider=self._provider)
        return Token(text, _seconds_to(self._credentials.expiry))

    def stop(self) -> None:
        """Release a waiting thread."""
        self._request.stop()


def _seconds_to(expiry: datetime | None) -> float:
    # The library's naive times are in UTC.
    if expiry is None:
        return _SHORTEST
    at = expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), _SHORTEST)


async def identify(
    provider: str, table: CredentialsTable, setup: Setup, connect: Callable[[str], Origin]
) -> Identity:
    """The configured identity. Raises ConfigError if there is none.

    `connect` opens a connection to a server that issues tokens.
    """
    request = LoopRequest(connect)
    if table.metadata:
        credentials = compute_engine.Credentials(scopes=_SCOPES)  # type: ignore[no-untyped-call]
        return Identity(provider, credentials, request)
    if table.service_account is not None:
        info = _key_file((await setup.secret(table.service_account)).reveal(), provider)
        return Identity(provider, info, request)
    try:
        found = await asyncio.to_thread(google.auth.default, scopes=_SCOPES, request=request)
    except (DefaultCredentialsError, GoogleAuthError):
        raise ConfigError([_nobody(provider)]) from None
    identity = Identity(provider, found[0], request)
    identity.project = found[1] or identity.project
    return identity


def _nobody(provider: str) -> str:
    return (
        f"providers.{provider}: there are no Application Default Credentials; say who the gateway"
        ' is: credentials = { service_account = "file:PATH" }, { metadata = true } or'
        ' { bearer = "env:NAME" }'
    )


def _key_file(text: str, provider: str) -> Any:
    try:
        info = msgspec.json.decode(text)
        read = service_account.Credentials.from_service_account_info
        return read(info, scopes=_SCOPES)  # type: ignore[no-untyped-call]
    except _CREDENTIAL_ERRORS:
        problem = "credentials.service_account is not the key file of a service account"
        raise ConfigError([f"providers.{provider}: {problem}"]) from None
