"""Another vendor's thought in a streamed answer, whose proof is sealed at its end."""

from typing import Any

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning

from .signatures import sealed

_PROOF = ("id", "signature", "encrypted", "summary")


class ForeignThought:
    """What has been received of one thought; vendors send its proof in several pieces."""

    def __init__(self, part: int) -> None:
        self.part = part
        self._shown = False
        self._proof: dict[str, Any] = {}
        self._extensions: dict[str, dict[str, Any]] = {}

    def keep(self, event: ReasoningDelta) -> None:
        """Add a piece."""
        self._shown = self._shown or bool(event.text)
        self._proof |= {key: value for key in _PROOF if (value := getattr(event, key))}
        for name, members in event.extensions.items():
            kept = self._extensions.setdefault(name, {})
            for key, value in members.items():
                both = isinstance(value, list) and isinstance(kept.get(key), list)
                kept[key] = kept[key] + value if both and key[:1] != "$" else value

    def seal(self) -> str | None:
        """The proof as a thought signature; None if there is none."""
        thought = Reasoning(**self._proof, extensions=self._extensions)
        return sealed(thought, unproven=self._shown)
