"""Another vendor's thought in a streamed answer, whose proof is sealed at its end."""

from typing import Any

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning

from .signatures import sealed

_PROOF = ("id", "signature", "encrypted", "summary")


class ForeignThought:
    """What has been received of one thought; vendors send its proof in several pieces.

    Its last piece of text is held back for the proof: the AI SDK drops a thought signature that
    comes without a text.
    """

    def __init__(self, part: int) -> None:
        self.part = part
        self._last = ""
        self._shown = False
        self._proof: dict[str, Any] = {}
        self._extensions: dict[str, dict[str, Any]] = {}

    def keep(self, event: ReasoningDelta) -> list[dict[str, Any]]:
        """Add a piece; returns the parts to send before it."""
        self._shown = self._shown or bool(event.text)
        self._proof |= {key: value for key in _PROOF if (value := getattr(event, key))}
        for name, members in event.extensions.items():
            kept = self._extensions.setdefault(name, {})
            for key, value in members.items():
                both = isinstance(value, list) and isinstance(kept.get(key), list)
                kept[key] = kept[key] + value if both and key[:1] != "$" else value
        if not event.text:
            return []
        before, self._last = self._last, event.text
        return [{"text": before, "thought": True}] if before else []

    def end(self) -> list[dict[str, Any]]:
        """The last part, with the proof as its thought signature; none if there is neither."""
        thought = Reasoning(**self._proof, extensions=self._extensions)
        proof = sealed(thought, unproven=self._shown)
        part: dict[str, Any] = {"text": self._last, "thought": True}
        if proof is not None:
            part["thoughtSignature"] = proof
        return [part] if proof or self._last else []
