"""Thought signatures: Gemini's own, and other vendors' proofs that travel in their place."""

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
"""What Google documents for calls that its model has not made itself."""

_SEALED: Final = "amFja2ZpZWxkL"  # the base64 of the mark with which every sealed proof begins
SEALED: Final = b'"' + _SEALED.encode()
"""Bytes that every body with another vendor's thought holds."""

_SIGNED: Final = ("next", "text", "media")
"""What a note says that a signature is of."""

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")


def read_thought(text: str, signature: str | None, rest: Mapping[str, Any]) -> Reasoning:
    """A thought part: of Gemini, or another vendor's that comes back from a client."""
    foreign = unsealed(signature)
    if foreign is not None:
        return replace(foreign, text=text)
    note = {NAME: {"$of": "self", **rest}}
    return Reasoning(text, signature=signature, summary=True, extensions=note)


def signed(part: Part, signature: str | None) -> list[Part]:
    """A part and its signature, as a reasoning without text: behind a text, else before the part.

    So an answer begins with what it says: there many look for nothing else.
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

    One that is `unproven` is sealed as well, if that is wanted: its vendor may want to read it.
    """
    proof = seal(thought, unproven=unproven)
    return None if proof is None else b64encode(proof.encode()).decode()


def is_own(thought: Reasoning | ReasoningDelta) -> bool:
    """Whether it is Gemini's own thought."""
    return NAME in thought.extensions


def is_proof(thought: Reasoning | ReasoningDelta) -> bool:
    """Whether it is nothing but the signature of another part."""
    return own(thought.extensions).get("$of") in _SIGNED


def is_of_text(proof: Reasoning) -> bool:
    """Whether it is the signature of the text before it."""
    return own(proof.extensions).get("$of") == "text"


def belongs_to(proof: Reasoning, part: Part) -> bool:
    """Whether a part may be the one that was signed; in some dialects others come between."""
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
    """Whether it says something without the part that was signed: not a call's, nor of media."""
    note = own(proof.extensions)
    return "$call" not in note and note.get("$of") != "media"


@lru_cache(maxsize=256)
def version_of(model: str) -> tuple[int, int] | None:
    """The version in a model's name, as in gemini-2.5-flash; None where it says none."""
    found = _VERSION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else None


def prove_calls(contents: list[dict[str, Any]], model: str) -> None:
    """Sign the calls that Gemini 3 wants to see signed: in every step since the user last spoke
    the first one. A history that another model wrote has no signatures.
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
