"""Proofs of other vendors' thoughts in a request that goes to Mistral as it is.

The gateway gives them to Mistral's clients as the `signature` of a thought, and clients send them
back. Mistral knows its own alone, so it must not see them.
"""

from typing import Any, Final

import msgspec

from jackfield.proofs import MARK, is_sealed

_MARK: Final = MARK.encode()


def without_foreign_proofs(body: bytes) -> bytes:
    """The same bytes where there are none; thoughts of which nothing is left are left out."""
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
