"""What a plugin gets in `start`: where it registers what it brings."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, field

from jackfield.config import Settings
from jackfield.endpoints import Endpoint
from jackfield.errors import ConfigError
from jackfield.secrets import Secret, SecretRef, SecretSource, SecretSources
from jackfield.timeouts import Timeouts

if TYPE_CHECKING:
    from jackfield._client import Client, Origin
    from jackfield.providers import Provider

HealthCheck = Callable[[], Awaitable[str | None]]


@define(eq=False)
class Setup:
    """One gateway while its plugins start.

    `settings` are the kernel's own tables. What is registered here lives as long as the gateway.
    """

    settings: Settings
    _client: "Client"
    _secrets: SecretSources
    endpoints: list[Endpoint] = field(factory=list)
    admin_endpoints: list[Endpoint] = field(factory=list)
    providers: "dict[str, Provider]" = field(factory=dict)
    health_checks: dict[str, HealthCheck] = field(factory=dict)

    def add_endpoint(self, endpoint: Endpoint) -> None:
        """Offer an endpoint. The same entry of the same class may be added twice."""
        if not any(endpoint is known for known in self.endpoints):
            self.endpoints.append(endpoint)

    def add_admin_endpoint(self, endpoint: Endpoint) -> None:
        """Offer an endpoint on the admin listener alone."""
        self.admin_endpoints.append(endpoint)

    def add_provider(self, provider: "Provider") -> None:
        """Offer a provider under the name of its table."""
        if provider.name in self.providers:
            raise ConfigError([f"providers.{provider.name}: two providers have this name"])
        self.providers[provider.name] = provider

    def add_health_check(self, name: str, check: HealthCheck) -> None:
        """Have /ready ask `check`: None is well, anything else says what is wrong."""
        self.health_checks[name] = check

    async def secret(self, reference: SecretRef) -> Secret:
        """What a reference in the configuration stands for. Raises SecretError."""
        return await self._secrets.resolve(reference)

    def add_secret_source(self, scheme: str, source: SecretSource) -> None:
        """Resolve references of the form `scheme:…` for plugins that start later."""
        self._secrets.register(scheme, source)

    def origin(
        self,
        name: str,
        base_url: str,
        *,
        timeouts: Timeouts | None = None,
        ca_file: Path | None = None,
        allow_http: bool = False,
        public: bool = False,
    ) -> "Origin":
        """The one way to connect out: to a base URL from the configuration, pooled and limited.

        With `public` no private, local or metadata address is connected to.
        """
        upstream = self.settings.upstream
        return self._client.origin(
            base_url,
            name=name,
            timeouts=timeouts or upstream.timeouts,
            ca_file=ca_file,
            allow_http=allow_http,
            public=public,
            max_response=upstream.max_response,
        )
