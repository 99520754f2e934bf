"""The name of Converse's extensions, and ids of its parts."""

import re
from hashlib import sha256
from typing import Final

NAME: Final = "bedrock.converse"

OWN: Final = {NAME: {"$own": True}}
"""Marks a thought that came from Bedrock, and may be sent back to it."""

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NO_ID = re.compile(r"[^a-zA-Z0-9_.:-]")


def call_id(identity: str) -> str:
    """A tool call's id in a form that Bedrock accepts, the same for the call and its result."""
    if _ID.fullmatch(identity):
        return identity
    return f"{_NO_ID.sub('_', identity)[:47]}_{sha256(identity.encode()).hexdigest()[:16]}"
