"""A provider's credentials: several keys with weights, used in rotation, rested when refused."""

import time
from collections.abc import Sequence

from attrs import define, field, frozen
from attrs.validators import gt

from jackfield.config import option
from jackfield.errors import ProviderError
from jackfield.secrets import Secret, SecretRef

MOST_COOLING = 60.0
"""Seconds that a key rests at the most, whatever the provider asks for."""


@frozen
class Key:
    """One key as configured."""

    secret: SecretRef = option(doc="A reference to the key: `env:NAME`, `file:PATH`.")
    weight: float = option(1.0, "Its share of the requests.", validator=gt(0))


@define(eq=False)
class LiveKey:
    """A resolved key. `lines` are its request headers, built once."""

    secret: Secret | None
    weight: float
    lines: dict[str, bytes] = field(factory=dict, repr=False)
    cooled_until: float = 0.0
    credit: float = 0.0


class KeyRing:
    """Hands out keys by smooth weighted round robin, except those that are resting."""

    def __init__(self, keys: Sequence[LiveKey]) -> None:
        self._keys = tuple(keys) or (LiveKey(None, 1.0),)

    def take(self, provider: str) -> LiveKey:
        """The next key. Raises ProviderError with `retry_after` if all are resting."""
        if len(self._keys) == 1 and not self._keys[0].cooled_until:
            return self._keys[0]
        now = time.monotonic()
        ready = [key for key in self._keys if key.cooled_until <= now]
        if not ready:
            wait = min(key.cooled_until for key in self._keys) - now
            why = "All keys of the provider are resting after it refused them."
            raise ProviderError(why, provider=provider, upstream_status=429, retry_after=wait)
        for key in ready:
            key.credit += key.weight
        best = max(ready, key=lambda key: key.credit)
        best.credit -= sum(key.weight for key in ready)
        return best

    def cool(self, key: LiveKey, seconds: float) -> bool:
        """Let a key rest; whether another can be tried in its place.

        The last one stays in use: a request that is refused with every key must not end service for
        others.
        """
        now = time.monotonic()
        if all(other is key or other.cooled_until > now for other in self._keys):
            return False
        key.cooled_until = now + min(seconds, MOST_COOLING)
        return True
