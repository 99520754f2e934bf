"""Thoughts in Converse: its own, and those of other vendors carried by its clients.

The API returns its models' thoughts with a signature, or fully encrypted, and wants them back with
the next turn. Clients return both unread, so another vendor's proof is sealed into the signature of
a thought with text, and into the encrypted content of one without.
"""

from base64 import b64decode, b64encode
from typing import Any

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.fields import Fields, carry
from jackfield.messages import Reasoning
from jackfield.proofs import MARK, is_sealed, seal, unseal

from .converse_claude import ANTHROPIC
from .converse_names import NAME, OWN

MARKS = (b'"' + MARK.encode(), b'"' + b64encode(MARK.encode())[:12])
"""Bytes found in every body with another vendor's thought."""


def read_thought(fields: Fields) -> Reasoning | None:
    """The thought in a `reasoningContent` block; None if its kind is unknown."""
    reasoning_text = fields.rest.pop("reasoningText", None)
    if isinstance(reasoning_text, dict):
        inner = Fields(reasoning_text, fields.where("reasoningText"), strict=fields.strict)
        text, signature = inner.text("text") or "", inner.text("signature")
        foreign = unseal(signature)
        if foreign is not None:
            return replace(foreign, text=text)
        return Reasoning(text, signature=signature, extensions={NAME: {"$own": True, **inner.rest}})
    encrypted = fields.text("redactedContent")
    if encrypted is None:
        return None
    return unseal(_unwrapped(encrypted)) or Reasoning(encrypted=encrypted, extensions=OWN)


def _unwrapped(encrypted: str) -> str:
    try:
        return b64decode(encrypted, validate=True).decode("ascii")
    except ValueError:
        return ""


def proof_of(part: Reasoning) -> dict[str, Any] | None:
    """The `reasoningContent` of a thought in an answer, with another vendor's proof sealed."""
    if NAME in part.extensions:
        return _own(part)
    sealed = seal(part, unproven=bool(part.extensions))
    if part.text:
        signed = {"signature": sealed} if sealed else {}
        return {"reasoningText": {"text": part.text, **signed}}
    return {"redactedContent": wrapped(sealed)} if sealed else None


def wrapped(text: str) -> str:
    """A text as base64, which the API uses for bytes."""
    return b64encode(text.encode()).decode()


def is_proven(part: Reasoning) -> bool:
    """Whether Claude recognizes a thought as its own."""
    is_own = NAME in part.extensions or ANTHROPIC in part.extensions
    return is_own and bool(part.signature or part.encrypted)


def write_thought(part: Reasoning, model: str, path: str, losses: list[Loss]) -> Any:
    """The `reasoningContent` of an earlier thought; None if Bedrock never had it."""
    if NAME in part.extensions:
        return _own(part)
    if ANTHROPIC in part.extensions and "claude" in model:
        if part.encrypted and not is_sealed(part.encrypted):
            return {"redactedContent": wrapped(part.encrypted)}
        if part.signature:
            return {"reasoningText": {"text": part.text, "signature": part.signature}}
    if part.text or part.encrypted or ANTHROPIC in part.extensions:
        losses.append(Loss("reasoning.replay", path, "dropped"))
    return None


def _own(part: Reasoning) -> dict[str, Any]:
    if part.encrypted is not None:
        return {"redactedContent": part.encrypted}
    wire: dict[str, Any] = {"text": part.text}
    if part.signature is not None:
        wire["signature"] = part.signature
    return {"reasoningText": carry(wire, part.extensions, NAME)}
