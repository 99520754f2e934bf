"""What a request of another dialect sets to a value that OpenAI does not know."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

from jackfield.dialects import Loss

TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
_LONGEST_USER: Final = 64


def fit_settings(wire: dict[str, Any], losses: list[Loss]) -> None:
    """Make `service_tier` and `user` such as OpenAI takes them."""
    tier = wire.get("service_tier")
    if tier is not None and tier not in TIERS:
        del wire["service_tier"]
        losses.append(Loss("service_tier", "service_tier", "dropped", f"there is no tier {tier!r}"))
    user = wire.get("user")
    if user is not None and len(user) > _LONGEST_USER:
        # OpenAI advises to send a hash; this one is as long as a user may be.
        wire["user"] = sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
        detail = f"longer than {_LONGEST_USER} characters: its SHA-256 instead"
        losses.append(Loss("user", "user", "approximated", detail))


def modality_losses(asked: Iterable[str]) -> list[Loss]:
    """The losses of answers in other forms than text."""
    return [
        Loss("audio" if kind == "audio" else f"modalities.{kind}", "modalities", "dropped")
        for kind in asked
        if kind != "text"
    ]
