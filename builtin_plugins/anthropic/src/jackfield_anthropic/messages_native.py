"""Requests as Anthropic knows them: without what the gateway has shown of other vendors' answers.

A client that another vendor has served before sends that answer back as it got it: with thoughts
under this gateway's seal, and citations that no search of Anthropic's has found.
"""

from typing import Any

import msgspec

from jackfield.proofs import is_sealed

from .messages_reasoning import SEALED

_PROOFS = {"thinking": "signature", "redacted_thinking": "data"}


def native_body(body: bytes) -> bytes:
    """The body without what only another vendor can check; every other body as it is."""
    if SEALED not in body:
        return body
    tree = msgspec.json.decode(body)
    messages = tree.get("messages") if isinstance(tree, dict) else None
    if not isinstance(messages, list):
        return body
    tree["messages"] = [message for message in map(_native_message, messages) if message]
    return msgspec.json.encode(tree)


def _native_message(message: Any) -> Any:
    """The message; None when nothing is left of it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    kept = [_native_block(block) for block in content if not _is_foreign(block)]
    return {**message, "content": kept} if kept or not content else None


def _is_foreign(block: Any) -> bool:
    if not isinstance(block, dict):
        return False
    proof = _PROOFS.get(str(block.get("type")))
    return proof is not None and is_sealed(block.get(proof))


def _is_shown(citation: Any) -> bool:
    return isinstance(citation, dict) and is_sealed(citation.get("encrypted_index"))


def _native_block(block: Any) -> Any:
    citations = block.get("citations") if isinstance(block, dict) else None
    if not isinstance(citations, list):
        return block
    kept = [citation for citation in citations if not _is_shown(citation)]
    if len(kept) == len(citations):
        return block
    rest = {key: value for key, value in block.items() if key != "citations"}
    return {**rest, "citations": kept} if kept else rest
