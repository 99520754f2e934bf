"""Signatures made with AWS credentials, from wherever the configuration says that they are."""

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
"""Seconds before the end of keys: a little less than those in which AWS's library renews them."""

_STUMBLES: Final = (BotoCoreError, ClientError, OSError, RuntimeError, ValueError, KeyError)
"""What AWS's library raises, on purpose and where an answer is not as it expects."""

Header = tuple[str, str]


def fixed_keys(access_key: Secret, secret_key: Secret, token: Secret | None) -> Any:
    """Credentials that never change."""
    return Keys(access_key.reveal(), secret_key.reveal(), token.reveal() if token else None)


def found_credentials(config: Credentials, region: str) -> Any:
    """Credentials that AWS's library finds; it may wait for files, hosts and AWS itself."""
    session = botocore.session.Session(profile=config.profile)
    session.set_config_variable("region", region)  # which partition's token service is asked
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
    """Signs requests (SigV4). `find` gives the credentials; it is called in a thread, once.

    Those that expire are renewed in a thread as well, while the old ones serve to their end. What
    of them is sent is told to `hide`.
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
        """The headers that prove who asks. Raises ProviderError when there are no credentials."""
        await self._tokens.take()
        request = AWSRequest(method, url, data=body)
        SigV4Auth(self._keys, _SERVICE, self._region).add_auth(request)
        return list(request.headers.items())

    def forget(self, headers: Mapping[str, str]) -> bool:
        """Have credentials found anew; whether there may be others than those of these headers."""
        key = headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        self._credentials = None
        return self._tokens.forget(headers.get("X-Amz-Security-Token", key))

    async def stop(self) -> None:
        """Leave nothing running."""
        await self._tokens.stop()

    async def _fetch(self) -> Token:
        try:
            self._keys, seconds = await asyncio.to_thread(self._fresh_keys)
        except _STUMBLES as error:
            kind = type(error).__name__
            raise ProviderError(
                f"No AWS credentials could be obtained ({kind}).", provider=self._provider
            ) from error
        return Token(self._keys.token or self._keys.access_key, seconds)

    def _fresh_keys(self) -> tuple[Any, float]:
        """Keys that do not change, and for how many seconds they are good."""
        if self._credentials is None:
            self._credentials = self._find()
        if self._credentials is None:
            raise ProviderError(
                "There are no AWS credentials: set `credentials` of the provider, or give AWS's"
                " default chain some.",
                provider=self._provider,
            )
        keys = self._credentials.get_frozen_credentials()
        # The library has no other word for their end.
        end: datetime | None = getattr(self._credentials, "_expiry_time", None)
        return keys, (end - datetime.now(UTC)).total_seconds() if end else math.inf
