"""What Converse and Anthropic's own API say alike: of documents, of what was found, of citations.

Each keeps what the canonical form has no place for under its own name. What both know is put there
under both, so that it goes from one to the other whoever speaks which.
"""

from collections.abc import Mapping
from typing import Any, Final

from jackfield.fields import own
from jackfield.messages import ChatRequest, Citation, Document

from .converse_members import ADDITIONAL, Tree, nested
from .converse_models import claude_version

ANTHROPIC: Final = "anthropic.messages"
"""Whose signatures and encrypted thoughts, too, are the same on every platform."""

OF_DOCUMENTS: Final = f"{ANTHROPIC}.document"
"""Under which name a request of its tells of documents what others lose and Converse says."""

BETAS: Final = "$betas"
"""The note in a request of its that holds the betas which the client asks for."""

_OF_DOCUMENTS: Final = ("context", "citations")
_OF_FINDINGS: Final = ("source", "citations")
_LOCATIONS: Final = (
    # Bedrock's member; Anthropic's type; what both count, and from where to where
    ("documentChar", "char_location", "document", "char_index"),
    ("documentPage", "page_location", "document", "page_number"),
    ("documentChunk", "content_block_location", "document", "block_index"),
    ("searchResultLocation", "search_result_location", "search_result", "block_index"),
)
_INDEXES: Final = {"document": "documentIndex", "search_result": "searchResultIndex"}


def write_betas(request: ChatRequest) -> Tree:
    """The member for those of Anthropic's betas that change what its body's other members do not.

    A model refuses a request that names one which it does not know.
    """
    asked = own(request.extensions, ANTHROPIC).get(BETAS)
    version = claude_version(request.model)
    known = {
        "interleaved-thinking-2025-05-14": version >= (4, 0),
        "context-1m-2025-08-07": "sonnet" in request.model and (4, 0) <= version < (4, 6),
        "output-128k-2025-02-19": version == (3, 7),
    }
    named = asked if isinstance(asked, list) else []
    betas = [beta for beta, taken in known.items() if taken and beta in named]
    return nested((ADDITIONAL, "anthropic_beta"), betas) if betas else {}


def texts_of(content: Any) -> list[str]:
    """The texts of blocks, which both APIs write with a member `text`."""
    found = content if isinstance(content, list) else ()
    texts = (block.get("text") for block in found if isinstance(block, dict))
    return [text for text in texts if isinstance(text, str)]


def document_note(wire: Mapping[str, Any], part: Document) -> Mapping[str, Any]:
    """What Anthropic's API is told of a document of Converse.

    Of others than PDF and plain text it is told nothing, as it takes them in another form.
    """
    if part.media_type not in (None, "application/pdf", "text/plain"):
        return {}
    note = _members(wire, _OF_DOCUMENTS)
    if chunks := texts_of(wire["source"].get("content")):
        note["$source"] = {"type": "content", "content": _blocks(chunks)}
    return {ANTHROPIC: note} if note else {}


def document_members(part: Document) -> dict[str, Any]:
    """What Converse is told of a document of Anthropic's API."""
    kept = own(part.extensions, ANTHROPIC)
    members = _members(kept, _OF_DOCUMENTS)
    if chunks := texts_of(own(kept, "$source").get("content")):
        members["source"] = {"content": [{"text": text} for text in chunks]}
    return members


def finding_note(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Anthropic's API is told of a `searchResult`."""
    found = _blocks(texts_of(wire.get("content")))
    return {ANTHROPIC: {**_members(wire, _OF_FINDINGS), "$found": found}}


def finding(part: Document) -> dict[str, Any] | None:
    """The `searchResult` for one of Anthropic's API; None for a mere document."""
    kept = own(part.extensions, ANTHROPIC)
    if "$found" not in kept:
        return None
    chunks = texts_of(kept["$found"]) or [part.text or ""]
    content = [{"text": text} for text in chunks]
    return {"title": part.name or "", "content": content, **_members(kept, _OF_FINDINGS)}


def citation_note(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """What Anthropic's API says of a citation of Converse's."""
    said = wire.get("location")
    where = said if isinstance(said, dict) else {}
    for member, kind, what, counted in _LOCATIONS:
        at = where.get(member)
        if not isinstance(at, dict):
            continue
        cited: dict[str, Any] = {
            "type": kind,
            "cited_text": "".join(texts_of(wire.get("sourceContent"))),
            f"{what}_index": at.get(_INDEXES[what], 0),
            f"start_{counted}": at.get("start", 0),
            f"end_{counted}": at.get("end", 0),
        }
        if what == "document":
            cited |= {"document_title": wire.get("title"), "file_id": None}
        else:
            cited |= {"title": wire.get("title"), "source": wire.get("source", "")}
        return {ANTHROPIC: {"$citation": cited}}
    return {}


def citation_members(citation: Citation) -> dict[str, Any]:
    """What Converse says of a citation of Anthropic's API, besides its title and text."""
    wire = own(own(citation.extensions, ANTHROPIC), "$citation")
    for member, kind, what, counted in _LOCATIONS:
        if wire.get("type") != kind:
            continue
        at = {
            _INDEXES[what]: wire.get(f"{what}_index"),
            "start": wire.get(f"start_{counted}"),
            "end": wire.get(f"end_{counted}"),
        }
        return {**_members(wire, ("source",)), "location": {member: at}}
    return {}


def _members(wire: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: wire[name] for name in names if wire.get(name) is not None}


def _blocks(texts: list[str]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text} for text in texts]
