"""Removes sealed proofs of other vendors' thoughts before an API that cannot read them.

Clients of OpenAI's dialects return them with their messages. For a turn sent to another vendor they
are translated; for an API of this kind, which would otherwise get the client's own bytes, they are
removed together with the thoughts that they prove.
"""

from typing import Any

import msgspec

from jackfield.proofs import MARK, is_sealed

from .chat_message_reader import REASONING_KEYS
from .chat_thoughts import DETAILS, take_thoughts

_MARK = b'"' + MARK.encode()


def without_foreign_proofs(body: bytes) -> bytes:
    """The body of a chat or Responses request without sealed proofs."""
    if _MARK not in body:
        return body
    tree = msgspec.json.decode(body)
    messages, items = tree.get("messages"), tree.get("input")
    if isinstance(messages, list):
        tree["messages"] = [_own_message(message) for message in messages]
    if isinstance(items, list):
        tree["input"] = [item for item in items if not _is_foreign(item)]
    return msgspec.json.encode(tree)


def _own_message(message: Any) -> Any:
    details = message.get(DETAILS) if isinstance(message, dict) else None
    thoughts, own = take_thoughts(details) if isinstance(details, list) else ([], [])
    if not thoughts:
        return message
    dropped = (DETAILS,) if own else (DETAILS, *REASONING_KEYS)
    rest = {key: value for key, value in message.items() if key not in dropped}
    return {**rest, DETAILS: own} if own else rest


def _is_foreign(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.get("type") == "reasoning"
        and is_sealed(item.get("encrypted_content"))
    )
