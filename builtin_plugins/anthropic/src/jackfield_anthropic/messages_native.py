"""Removes from requests what the gateway added to other vendors' answers.

A client that another vendor served before sends that answer back unchanged: with thoughts sealed by
this gateway, and citations that do not come from Anthropic's search. Claude's own thoughts, sealed
for another platform, are restored.
"""

from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield.proofs import is_sealed, unseal

from .messages_reasoning import SEALED, replayed, write_reasoning

_PROOFS = {"thinking": "signature", "redacted_thinking": "data"}


def native_body(body: bytes) -> bytes:
    """The body without what only another vendor can verify; otherwise unchanged."""
    if SEALED not in body:
        return body
    tree = msgspec.json.decode(body)
    messages = tree.get("messages") if isinstance(tree, dict) else None
    if not isinstance(messages, list):
        return body
    tree["messages"] = [message for message in map(_native_message, messages) if message]
    return msgspec.json.encode(tree)


def leaves_out(body: bytes) -> bool:
    """Whether `native_body` would remove a thought from the body."""
    tree = msgspec.json.decode(body) if SEALED in body else None
    messages = tree.get("messages") if isinstance(tree, dict) else None
    found = messages if isinstance(messages, list) else ()
    contents = (message.get("content") for message in found if isinstance(message, dict))
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    return any(_native_block(block) is None for block in blocks if block is not None)


def _native_message(message: Any) -> Any:
    """The message; None if nothing is left of it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    kept = [native for block in content if (native := _native_block(block)) is not None]
    return {**message, "content": kept} if kept or not content else None


def _native_block(block: Any) -> Any:
    """The block; None for a thought that only another vendor can verify."""
    proof = _PROOFS.get(str(block.get("type"))) if isinstance(block, dict) else None
    sealed = block.get(proof) if proof is not None else None
    return _unsealed(block, sealed) if is_sealed(sealed) else _without_shown(block)


def _unsealed(block: Any, sealed: str | None) -> dict[str, Any] | None:
    foreign, text = unseal(sealed), block.get("thinking", "")
    if foreign is None or not isinstance(text, str):
        return None
    thought = replayed(replace(foreign, text=text))
    return None if thought is None else write_reasoning(thought)


def _is_shown(citation: Any) -> bool:
    return isinstance(citation, dict) and is_sealed(citation.get("encrypted_index"))


def _without_shown(block: Any) -> Any:
    citations = block.get("citations") if isinstance(block, dict) else None
    if not isinstance(citations, list):
        return block
    kept = [citation for citation in citations if not _is_shown(citation)]
    if len(kept) == len(citations):
        return block
    rest = {key: value for key, value in block.items() if key != "citations"}
    return {**rest, "citations": kept} if kept else rest
