"""Signatures made with AWS credentials, from wherever the configuration says that they are."""

import asyncio
from collections.abc import Callable
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

from .credentials import Credentials

_SERVICE: Final = "bedrock"
Header = tuple[str, str]


def fixed_keys(access_key: Secret, secret_key: Secret, token: Secret | None) -> Any:
    """Credentials that never change."""
    return Keys(access_key.reveal(), secret_key.reveal(), token.reveal() if token else None)


def found_credentials(config: Credentials, region: str) -> Any:
    """Credentials that AWS's library finds; it may wait for files, hosts and AWS itself."""
    session = botocore.session.Session(profile=config.profile)
    credentials = session.get_credentials()
    if credentials is None or config.role_arn is None:
        return credentials
    more = {"ExternalId": config.external_id} if config.external_id else {}
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=lambda *args, **kwargs: session.create_client(
            *args, **{"region_name": region, **kwargs}
        ),
        source_credentials=credentials,
        role_arn=config.role_arn,
        extra_args={"RoleSessionName": "jackfield", **more},
    )
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


class Signer:
    """Signs requests (SigV4). `find` gives the credentials; it is called in a thread, once.

    Credentials that expire are refreshed a quarter of an hour before, in a thread as well.
    """

    def __init__(self, provider: str, region: str, find: Callable[[], Any]) -> None:
        self._provider = provider
        self._region = region
        self._find = find
        self._credentials: Any = None
        self._lock = asyncio.Lock()

    async def sign(self, method: str, url: str, body: bytes) -> list[Header]:
        """The headers that prove who asks. Raises ProviderError when there are no credentials."""
        if self._is_stale():
            async with self._lock:
                if self._is_stale():
                    await self._refresh()
        request = AWSRequest(method, url, data=body)
        keys = self._credentials.get_frozen_credentials()
        SigV4Auth(keys, _SERVICE, self._region).add_auth(request)
        return list(request.headers.items())

    def _is_stale(self) -> bool:
        needed = getattr(self._credentials, "refresh_needed", None)
        return self._credentials is None or (needed is not None and needed())

    async def _refresh(self) -> None:
        try:
            if self._credentials is None:
                self._credentials = await asyncio.to_thread(self._find)
            if self._credentials is not None:
                await asyncio.to_thread(self._credentials.get_frozen_credentials)
        except (BotoCoreError, ClientError, OSError) as error:
            kind = type(error).__name__
            raise ProviderError(
                f"AWS credentials cannot be had ({kind}).", provider=self._provider
            ) from error
        if self._credentials is None:
            raise ProviderError(
                "There are no AWS credentials: set `credentials` of the provider, or give AWS's"
                " default chain some.",
                provider=self._provider,
            )
