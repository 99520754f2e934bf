"""Proofs of a vendor's reasoning, sealed to travel through a client of another dialect.

A vendor signs or encrypts its model's reasoning and expects that back with the next turn. A client
of another dialect can keep it in one place only: the member of its own dialect that holds such a
proof, which it returns unread (`encrypted_content` of Responses, `data` of Anthropic's
`redacted_thinking`, Gemini's `thoughtSignature`, `reasoning_details` of chat). So the proof is put
there, wrapped with a note of whose it is, and unwrapped when the next turn comes.

The wire form is `jackfield.` and the base64 (RFC 4648, section 5) of a JSON object. It is neither
encrypted nor signed: everything in it is checked by the vendor.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

import msgspec

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning

MARK: Final = "jackfield."
"""How every sealed proof begins."""

_MARK: Final = MARK.encode()


class _Proof(msgspec.Struct, omit_defaults=True):
    id: str | None = None
    signature: str | None = None
    encrypted: str | None = None
    summary: bool = False
    extensions: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(_Proof).decode


def seal(thought: Reasoning | ReasoningDelta, *, unproven: bool = False) -> str | None:
    """A reasoning part's proof, wrapped; None if it has none, unless `unproven` ones are wanted.

    The text is left out, because clients get it anyway. The names in `extensions` say whose it is.
    """
    if not (thought.signature or thought.encrypted or unproven):
        return None
    proof = _Proof(
        id=thought.id,
        signature=thought.signature,
        encrypted=thought.encrypted,
        summary=thought.summary,
        extensions={name: dict(members) for name, members in thought.extensions.items()},
    )
    return MARK + urlsafe_b64encode(msgspec.json.encode(proof)).decode()


def is_sealed(text: object) -> bool:
    """Whether this may be a sealed proof; `unseal` gives the definite answer."""
    return isinstance(text, str) and text.startswith(MARK)


def without_sealed_signatures(body: bytes) -> bytes:
    """A chat request without other vendors' proofs; the same bytes if it has none.

    For APIs whose clients get a sealed proof as the `signature` of a reasoning part in a message,
    and that must not see it themselves. Reasoning parts of which nothing remains are left out.
    """
    if _MARK not in body:
        return body
    tree = msgspec.json.decode(body)
    messages = tree.get("messages") if isinstance(tree, dict) else None
    changed = False
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, list) and any(map(_is_proven, content)):
            message["content"] = [part for part in map(_bare, content) if part is not None]
            changed = True
    return msgspec.json.encode(tree) if changed else body


def _is_proven(part: Any) -> bool:
    return isinstance(part, dict) and is_sealed(part.get("signature"))


def _bare(part: Any) -> Any:
    if not _is_proven(part):
        return part
    bare = {key: value for key, value in part.items() if key != "signature"}
    return bare if bare.get("thinking") else None


def unseal(text: str | None) -> Reasoning | None:
    """The reasoning that a sealed proof belongs to, without its text; None for any other text."""
    if text is None or not text.startswith(MARK):
        return None
    try:
        proof = _decode(urlsafe_b64decode(text[len(MARK) :].encode()))
    except (ValueError, RecursionError):
        return None
    return Reasoning(
        id=proof.id,
        signature=proof.signature,
        encrypted=proof.encrypted,
        summary=proof.summary,
        extensions=proof.extensions,
    )
