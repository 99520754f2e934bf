"""Settings from other dialects with values unknown to OpenAI."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final

from jackfield.dialects import Loss

from .efforts import samples

TIERS: Final = frozenset({"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"})
_LONGEST_USER: Final = 64
_MOST_STOPS: Final = 4
_SAMPLING: Final = {
    **dict.fromkeys(("temperature", "top_p"), ("", 1)),
    **dict.fromkeys(("frequency_penalty", "presence_penalty"), ("penalties", 0)),
    **dict.fromkeys(("logit_bias", "stop"), ("", None)),
    "logprobs": ("", False),
    "top_logprobs": ("logprobs", 0),
}
"""Settings that models only accept at their default while reasoning, with their losses."""


def fit_settings(wire: dict[str, Any], model: str, losses: list[Loss]) -> None:
    """Change settings of another dialect's request to ones that OpenAI's model accepts."""
    if not wire.keys().isdisjoint(_SAMPLING):
        _fit_sampling(wire, model, losses)
    tier = wire.get("service_tier")
    if tier is not None and tier not in TIERS:
        del wire["service_tier"]
        losses.append(Loss("service_tier", "service_tier", "dropped", f"there is no tier {tier!r}"))
    user = wire.get("user")
    if user is not None and len(user) > _LONGEST_USER:
        # OpenAI advises sending a hash; this one has the maximum length of `user`.
        wire["user"] = sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
        detail = f"longer than {_LONGEST_USER} characters: its SHA-256 instead"
        losses.append(Loss("user", "user", "approximated", detail))


def _fit_sampling(wire: dict[str, Any], model: str, losses: list[Loss]) -> None:
    thinking = wire.get("reasoning") or {}
    if not samples(model, wire.get("reasoning_effort", thinking.get("effort"))):
        for key, (feature, default) in _SAMPLING.items():
            if wire.get(key, default) != default:
                del wire[key]
                detail = "the model takes no sampling settings while it reasons"
                losses.append(Loss(feature or key, key, "dropped", detail))
    elif len(wire.get("stop", ())) > _MOST_STOPS:
        detail = f"the first {_MOST_STOPS} of {len(wire['stop'])}"
        wire["stop"] = wire["stop"][:_MOST_STOPS]
        losses.append(Loss("stop", "stop", "approximated", detail))


def modality_losses(modalities: Iterable[str]) -> list[Loss]:
    """The losses of requested output modalities other than text."""
    return [
        Loss("audio" if kind == "audio" else f"modalities.{kind}", "modalities", "dropped")
        for kind in modalities
        if kind != "text"
    ]
