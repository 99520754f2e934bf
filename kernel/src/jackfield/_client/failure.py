"""What can go wrong between the gateway and a provider, in words that reveal nothing."""

from enum import StrEnum

from jackfield.errors import ProviderUnavailable, ProviderUntrusted


class Failure(StrEnum):
    """Why there is no complete answer; each value is the error message that the caller sees."""

    DNS = "The provider's host name could not be resolved."
    FORBIDDEN_ADDRESS = "The provider's host name leads to an address that is not allowed."
    CONNECT = "No connection to the provider could be made."
    TLS = "No trusted TLS connection to the provider could be made."
    CLOSED = "The provider closed the connection without an answer."
    ILLEGAL = "What the provider sent is not valid HTTP."
    MESSAGE = "What the provider sent is no WebSocket message."
    CUT = "The provider's answer was cut off."
    TOO_LARGE = "The provider's answer is larger than allowed."
    ENCODING = "The provider's answer is compressed in a way that is not supported."
    BAD_COMPRESSION = "The provider's answer could not be decompressed."
    BOMB = "The provider's answer grows beyond reason when decompressed."
    CLIENT_CLOSED = "The connection to the provider was closed."

    def error(self, provider: str) -> ProviderUnavailable:
        """The exception for this failure of `provider`."""
        kind = ProviderUntrusted if self is Failure.TLS else ProviderUnavailable
        return kind(str(self), provider=provider)


class StaleConnection(ProviderUnavailable):
    """A pooled connection was closed before a byte came back: retry on a fresh one."""
