"""Request signatures with AWS credentials from any configured source."""

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import botocore.session  # type: ignore[import-untyped]
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import (  # type: ignore[import-untyped]
    AssumeRoleCredentialFetcher,
    DeferredRefreshableCredentials,
)
from botocore.credentials import Credentials as Keys
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from jackfield.errors import ProviderError
from jackfield.secrets import Secret
from jackfield.tokens import Token, Tokens

from .credentials import Credentials

_SERVICE: Final = "bedrock"
_MARGIN: Final = 880.0
"""Seconds before keys expire at which they are renewed; slightly less than in AWS's library."""

_CREDENTIAL_ERRORS: Final = (
    BotoCoreError,
    ClientError,
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
)
"""What AWS's library raises, also for answers that it does not expect."""

Header = tuple[str, str]


def fixed_keys(access_key: Secret, secret_key: Secret, token: Secret | None) -> Any:
    """Static credentials."""
    return Keys(access_key.reveal(), secret_key.reveal(), token.reveal() if token else None)


def found_credentials(config: Credentials, region: str) -> Any:
    """Credentials found by AWS's library, which may wait for files, hosts and AWS itself."""
    session = botocore.session.Session(profile=config.profile)
    session.set_config_variable("region", region)  # selects the partition's token service
    credentials = session.get_credentials()
    if credentials is None or config.role_arn is None:
        return credentials
    more = {"ExternalId": config.external_id} if config.external_id else {}
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session.create_client,
        source_credentials=credentials,
        role_arn=config.role_arn,
        extra_args={"RoleSessionName": "jackfield", **more},
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


class Signer:
    """Signs requests (SigV4). `find` returns the credentials; it is called once, in a thread.

    Expiring credentials are renewed in a thread as well, while the old ones remain in use. What is
    sent of them is passed to `hide`.
    """

    def __init__(
        self,
        provider: str,
        region: str,
        find: Callable[[], Any],
        hide: Callable[[str, Secret], None],
    ) -> None:
        self._provider = provider
        self._region = region
        self._find = find
        self._credentials: Any = None
        self._keys: Any = None
        self._tokens = Tokens(self._fetch, hide, _MARGIN)

    async def sign(self, method: str, url: str, body: bytes) -> list[Header]:
        """The signature's headers. Raises ProviderError without credentials."""
        await self._tokens.take()
        request = AWSRequest(method, url, data=body)
        SigV4Auth(self._keys, _SERVICE, self._region).add_auth(request)
        return list(request.headers.items())

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Discard the credentials of these headers; return whether there may be others."""
        scope = headers["Authorization"].partition("Credential=")[2].partition(",")[0]
        key = scope.rsplit("/", 4)[0]  # with slashes of its own if it was mistaken for the secret
        self._credentials = None
        return self._tokens.forget(headers.get("X-Amz-Security-Token", key))

    async def stop(self) -> None:
        """Cancel background work."""
        await self._tokens.stop()

    async def _fetch(self) -> Token:
        try:
            self._keys, seconds = await asyncio.to_thread(self._fresh_keys)
        except _CREDENTIAL_ERRORS as error:
            kind = type(error).__name__
            raise ProviderError(
                f"No AWS credentials could be obtained ({kind}).", provider=self._provider
            ) from error
        return Token(self._keys.token or self._keys.access_key, seconds)

    def _fresh_keys(self) -> tuple[Any, float]:
        """A snapshot of the keys, and for how many seconds they are valid."""
        if self._credentials is None:
            self._credentials = self._find()
        if self._credentials is None:
            raise ProviderError(
                "There are no AWS credentials: set `credentials` of the provider, or give AWS's"
                " default chain some.",
                provider=self._provider,
            )
        keys = self._credentials.get_frozen_credentials()
        # The library has no public name for their expiry.
        end: datetime | None = getattr(self._credentials, "_expiry_time", None)
        return keys, (end - datetime.now(UTC)).total_seconds() if end else math.inf
