"""Proofs of other providers' reasoning, wrapped to travel as a Responses item's encrypted content.

A client that keeps no state on the server sends reasoning items back as they are. So what proves a
thought to the provider that had it (Anthropic's signature) rides along in the one member that
clients never look into, and is there again when the next turn goes to that provider.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from jackfield.events import ReasoningDelta
from jackfield.messages import Reasoning

from .responses_content import NAME

_MARK = "jackfield."


class _Proof(msgspec.Struct, omit_defaults=True):
    id: str | None = None
    signature: str | None = None
    encrypted: str | None = None
    extensions: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(_Proof).decode


def seal(thought: Reasoning | ReasoningDelta) -> str | None:
    """The encrypted content of a thought's item: its own, or another provider's proof wrapped."""
    if NAME in thought.extensions or not (thought.signature or thought.encrypted):
        return thought.encrypted
    extensions = {name: dict(members) for name, members in thought.extensions.items()}
    proof = _Proof(thought.id, thought.signature, thought.encrypted, extensions)
    return _MARK + urlsafe_b64encode(msgspec.json.encode(proof)).decode()


def unseal(text: str, encrypted: str | None) -> Reasoning | None:
    """The other provider's thought; None when the encrypted content is no wrapped proof."""
    if encrypted is None or not encrypted.startswith(_MARK):
        return None
    try:
        proof = _decode(urlsafe_b64decode(encrypted.removeprefix(_MARK)))
    except ValueError:
        return None
    return Reasoning(
        text,
        id=proof.id,
        signature=proof.signature,
        encrypted=proof.encrypted,
        extensions=proof.extensions,
    )
