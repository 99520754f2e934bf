"""Thinking blocks, to and from canonical reasoning.

Another vendor's thought is shown as a thinking block whose signature, which clients return unread,
is that vendor's sealed proof.
"""

from base64 import b64decode
from typing import Any

from msgspec.structs import replace

from jackfield.fields import Fields
from jackfield.messages import Extensions, Reasoning
from jackfield.proofs import MARK, seal, unseal

from .fields import NAME, carry

_CONVERSE = "bedrock.converse"

SEALED = MARK.encode()
"""Bytes found in every body with another vendor's thought."""


def read_thinking(fields: Fields) -> Reasoning:
    """A `thinking` block: Anthropic's own, or another vendor's sealed one."""
    text = fields.needed_text("thinking")
    signature = fields.text("signature")
    foreign = unseal(signature)
    if foreign is not None:
        return replace(foreign, text=text)
    return Reasoning(text, signature=signature, extensions={NAME: fields.rest})


def read_redacted(fields: Fields) -> Reasoning:
    """A `redacted_thinking` block: Anthropic's own, or a proof of another vendor."""
    data = fields.needed_text("data")
    return unseal(data) or Reasoning(encrypted=data, extensions={NAME: fields.rest})


def replayed(thought: Reasoning) -> Reasoning | None:
    """An earlier thought in this family's form; None if only another vendor can verify it.

    Claude's signatures and encrypted thoughts are the same on every platform (Anthropic's page on
    extended thinking); Converse has the latter in base64.
    """
    if NAME in thought.extensions:
        return thought
    if _CONVERSE not in thought.extensions:
        return None
    own: Extensions = {NAME: {}}
    if thought.signature:
        return Reasoning(thought.text, signature=thought.signature, extensions=own)
    try:
        data = b64decode(thought.encrypted or "", validate=True).decode("ascii")
    except ValueError:
        return None
    return Reasoning(encrypted=data, extensions=own) if data else None


def write_reasoning(thought: Reasoning) -> dict[str, Any] | None:
    """The block of a thought of this family, or one that shows and seals another's."""
    if NAME in thought.extensions:
        return _write_own(thought)
    if thought.text:
        signature = seal(thought, unproven=True)
        return {"type": "thinking", "thinking": thought.text, "signature": signature}
    data = seal(thought)
    return None if data is None else {"type": "redacted_thinking", "data": data}


def _write_own(thought: Reasoning) -> dict[str, Any]:
    if thought.encrypted is not None and not thought.text:
        return carry({"type": "redacted_thinking", "data": thought.encrypted}, thought.extensions)
    wire: dict[str, Any] = {"type": "thinking", "thinking": thought.text}
    if thought.signature is not None:
        wire["signature"] = thought.signature
    return carry(wire, thought.extensions)
