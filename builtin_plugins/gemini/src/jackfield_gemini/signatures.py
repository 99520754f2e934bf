"""Thought signatures: Gemini's own, and other vendors' proofs carried in their place."""

import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from jackfield.events import ReasoningDelta
from jackfield.messages import Audio, Document, Image, Part, Reasoning, Text, ToolCall
from jackfield.proofs import seal, unseal

from .fields import NAME, own

SKIP: Final = b64encode(b"skip_thought_signature_validator").decode()
"""Google's documented value for calls that its model has not made."""

_SEALED: Final = "amFja2ZpZWxkL"  # base64 of the prefix of every sealed proof
SEALED: Final = b'"' + _SEALED.encode()
"""Bytes found in every body with another vendor's thought."""

_SIGNED: Final = ("next", "text", "media")
"""The kinds of parts that a signature may belong to."""

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


def read_thought(text: str, signature: str | None, rest: Mapping[str, Any]) -> Reasoning:
    """A thought part: Gemini's own, or another vendor's returned by a client."""
    foreign = unsealed(signature)
    if foreign is not None:
        return replace(foreign, text=text)
    note = {NAME: {"$of": "self", **rest}}
    return Reasoning(text, signature=signature, summary=True, extensions=note)


def signed(part: Part, signature: str | None) -> list[Part]:
    """A part and its signature, as reasoning without text: after a text, else before the part.

    An answer then begins with its text, which many clients look for first.
    """
    if signature is None:
        return [part]
    foreign = unsealed(signature)
    if foreign is not None:
        return [foreign, part]
    if isinstance(part, Text):
        return [part, _proof(signature, {"$of": "text"})]
    if isinstance(part, ToolCall):
        return [_proof(signature, {"$of": "next", "$call": part.id}), part]
    return [_proof(signature, {"$of": "media"}), part]


def read_proof(signature: str) -> Reasoning:
    """The signature of the part that follows, or another vendor's thought in its place."""
    return unsealed(signature) or _proof(signature, {"$of": "next"})


def _proof(signature: str, note: Mapping[str, Any]) -> Reasoning:
    return Reasoning(signature=signature, extensions={NAME: note})


def unsealed(signature: str | None) -> Reasoning | None:
    """Another vendor's thought, without its text; None for a signature of Google's."""
    if signature is None or not signature.startswith(_SEALED):
        return None
    try:
        wire = signature.rstrip("=").translate(_URLSAFE)
        return unseal(urlsafe_b64decode(wire + "=" * (-len(wire) % 4)).decode("ascii"))
    except ValueError:
        return None


_URLSAFE = str.maketrans("+/", "-_")


def sealed(thought: Reasoning, *, unproven: bool) -> str | None:
    """Another vendor's proof as a thought signature, which must be base64.

    With `unproven`, a thought without a proof is sealed too: its vendor may want to read it.
    """
    proof = seal(thought, unproven=unproven)
    return None if proof is None else b64encode(proof.encode()).decode()


def is_own(thought: Reasoning | ReasoningDelta) -> bool:
    """Whether it is Gemini's own thought."""
    return NAME in thought.extensions


def is_proof(thought: Reasoning | ReasoningDelta) -> bool:
    """Whether it is only the signature of another part."""
    return own(thought.extensions).get("$of") in _SIGNED


def is_of_text(proof: Reasoning) -> bool:
    """Whether it is the signature of the text before it."""
    return own(proof.extensions).get("$of") == "text"


def belongs_to(proof: Reasoning, part: Part) -> bool:
    """Whether a part may be the signed one; some dialects put others in between."""
    note = own(proof.extensions)
    match note.get("$of"):
        case "text":
            return isinstance(part, Text)
        case "media":
            return isinstance(part, Image | Audio | Document)
        case _:
            call = note.get("$call")
            return call is None or (isinstance(part, ToolCall) and part.id == call)


def outlives_its_part(proof: Reasoning) -> bool:
    """Whether it is useful without the signed part: not for calls and media."""
    note = own(proof.extensions)
    return "$call" not in note and note.get("$of") != "media"


@lru_cache(maxsize=256)
def version_of(model: str) -> tuple[int, int] | None:
    """The version in a model's name, as in gemini-2.5-flash; None if there is none."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def prove_calls(contents: list[dict[str, Any]], model: str) -> None:
    """Sign the first call of each step since the user's last message, as Gemini 3 requires.

    A history written by another model has no signatures.
    """
    version = version_of(model)
    if version is None or version < (3, 0):
        return
    for content in reversed(contents):
        if content["role"] == "model":
            calls = [part for part in content["parts"] if "functionCall" in part]
            if calls and "thoughtSignature" not in calls[0]:
                calls[0]["thoughtSignature"] = SKIP
        elif not any("functionResponse" in part for part in content["parts"]):
            return
