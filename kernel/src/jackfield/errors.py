"""Every error that a caller can see, each with its HTTP status and a stable code.

JackfieldError
├── ConfigError              the TOML, a plugin or the command line is wrong (exit code 2)
├── UndeclaredChange         a plugin changed what its `mutates` does not name
└── GatewayError             one exchange fails; rendered in the caller's dialect
    ├── InvalidRequest       400  malformed body, wrong type, missing field
    │   ├── PayloadTooLarge  413
    │   ├── UnsupportedMedia 415
    │   └── LossRefused      400  the target cannot express the request
    ├── Unauthenticated      401
    ├── Forbidden            403
    ├── NotFound             404  unknown path, model or provider
    ├── MethodNotAllowed     405
    ├── RateLimited          429
    ├── PluginFailure        500  a plugin failed and its policy is "refuse"
    ├── Overloaded           503  shed before any work was done
    ├── ShuttingDown         503
    ├── ClientGone           499  for the log alone
    └── ProviderError        the provider refused, failed or could not be reached
        ├── ProviderUnavailable  502  connect, protocol
        │   └── ProviderUntrusted  502  its certificate
        ├── ProviderTimeout      504
        ├── ProviderFailure      500  its plugin's own code failed
        └── StreamTruncated      502  a stream ended without its terminal marker
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Self

RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504, 529})
"""The statuses of a provider after which another try may help."""


class JackfieldError(Exception):
    """The root of all errors that Jackfield raises deliberately."""


class ConfigError(JackfieldError):
    """The configuration is unusable; `problems` has a line each: what, where, how to fix it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UndeclaredChange(JackfieldError):
    """A plugin changed something it did not declare. Its failure policy applies."""

    def __init__(self, plugin: str, kind: str) -> None:
        super().__init__(f"{plugin!r} changed the {kind}; its `mutates` must have {kind!r}")


class GatewayError(JackfieldError):
    """One exchange fails. The message is shown to the caller: never put a secret or a URL in it.

    `param` names the offending field in the caller's terms; `retry_after` is in seconds. `answered`
    is the status of the provider's answer, where the caller gets another.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    answered: int | None = None

    def __init__(
        self, message: str, *, param: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        """The status to answer with; a provider's error may carry its own."""
        return self.status

    def without_traceback(self) -> Self:
        """Drop the tracebacks of this error and its causes, and return it.

        Their frames hold this error, and all of the request, until garbage is collected.
        """
        one: BaseException | None = self
        while one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            one = one.__cause__ or one.__context__
        return self


class InvalidRequest(GatewayError):
    """The request is invalid; sending it again unchanged will not help."""

    status = 400
    code = "invalid_request"


class PayloadTooLarge(InvalidRequest):
    """The body exceeds the limit of this endpoint."""

    status = 413
    code = "payload_too_large"


class UnsupportedMedia(InvalidRequest):
    """The body has an encoding or a media type that is not accepted here."""

    status = 415
    code = "unsupported_media_type"


class LossRefused(InvalidRequest):
    """No target can express the request in full, and the model's `on_loss` is "refuse"."""

    code = "translation_loss"


class NotServed(InvalidRequest):
    """The target's provider does not offer what is requested; another target may."""

    code = "operation_not_served"


class Unauthenticated(GatewayError):
    """No credential, or an unknown one."""

    status = 401
    code = "unauthenticated"


class Forbidden(GatewayError):
    """The principal lacks the permission."""

    status = 403
    code = "forbidden"


class NotFound(GatewayError):
    """There is no such path, model or provider."""

    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    """The model is neither an alias nor served by a configured provider."""

    code = "model_not_found"


class MethodNotAllowed(GatewayError):
    """The path exists, the method does not; `allowed` are the methods for `Allow`."""

    status = 405
    code = "method_not_allowed"
    allowed: str = ""


class RateLimited(GatewayError):
    """A limit is exceeded; `retry_after` says for how long."""

    status = 429
    code = "rate_limited"


class PluginFailure(GatewayError):
    """A plugin raised, ran out of time or returned a wrong type, and its policy is "refuse"."""

    code = "plugin_failure"

    def __init__(self, plugin: str, hook: str, reason: str) -> None:
        super().__init__(f"The plugin {plugin!r} failed in {hook}; the request was refused.")
        self.plugin = plugin
        self.hook = hook
        self.reason = reason


class Overloaded(GatewayError):
    """The gateway is at capacity; try again soon."""

    status = 503
    code = "overloaded"


class ShuttingDown(GatewayError):
    """The gateway is stopping and this exchange cannot be finished."""

    status = 503
    code = "shutting_down"


class ClientGone(GatewayError):
    """The caller has closed its connection. Nobody reads this; 499 is nginx's code for it."""

    status = 499
    code = "client_closed_request"


class ProviderError(GatewayError):
    """A provider answered with an error, or not at all.

    `provider` is the instance's name in the TOML; `upstream_status` is the provider's status;
    `body` is its own error body in the caller's dialect, if that may be passed on unchanged, and
    `event` the event that reported the error. `headers` are added to those of the answer.
    """

    status = 502
    code = "provider_error"
    transient: bool = False
    """Whether the same may succeed a moment later, whatever the status."""

    body: bytes | None = None
    event: bytes | None = None
    headers: Mapping[str, str] | None = None

    def __init__(  # noqa: PLR0913 - what a provider may say, each by its name
        self,
        message: str,
        *,
        provider: str = "",
        upstream_status: int | None = None,
        param: str | None = None,
        retry_after: float | None = None,
        error_type: str | None = None,
        error_code: str | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after)
        self.provider = provider
        self.upstream_status = upstream_status
        self.error_type = error_type
        self.error_code = error_code

    @property
    def http_status(self) -> int:
        """What the provider said, if it said anything."""
        return self.upstream_status or self.status

    @property
    def elsewhere(self) -> bool:
        """Whether another target may succeed."""
        status = self.upstream_status
        return status is None or status >= 500 or status in RETRYABLE | {401, 403}

    @property
    def again(self) -> bool:
        """Whether the same target may succeed a little later."""
        return self.transient or self.upstream_status in RETRYABLE


class ProviderUnavailable(ProviderError):
    """The provider could not be reached, or did not answer in valid HTTP."""

    code = "provider_unavailable"
    transient = True


class ProviderUntrusted(ProviderUnavailable):
    """No TLS connection to the provider could be verified; nothing was sent."""

    code = "upstream_tls"
    transient = False


class ProviderTimeout(ProviderError):
    """The provider did not connect, answer or continue in time; `phase` says which."""

    status = 504
    code = "provider_timeout"

    def __init__(self, phase: str, seconds: float, *, provider: str = "") -> None:
        super().__init__(f"The provider did not {phase} within {seconds:g} s.", provider=provider)
        self.phase = phase


class ProviderFailure(ProviderError):
    """The provider's own code raised or returned something of a wrong type; the log says where."""

    status = 500
    code = "plugin_failure"


class StreamTruncated(ProviderError):
    """The stream ended without its terminal marker: the answer is incomplete."""

    code = "stream_truncated"
