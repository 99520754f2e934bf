"""Members that Converse and Anthropic's API share: of documents, search results, citations.

Each dialect keeps what has no canonical form under its own name. What both know is kept under both
names, so that it passes from one to the other.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jackfield.fields import own
from jackfield.messages import ChatRequest, Citation, Document, Message, ToolResult

from .converse_members import ADDITIONAL, Tree, nested
from .converse_models import claude_version

ANTHROPIC: Final = "anthropic.messages"
"""Anthropic's dialect; signatures and encrypted thoughts are the same on every platform."""

OF_DOCUMENTS: Final = f"{ANTHROPIC}.document"
"""The extension with document members that only Anthropic's API and Converse have."""

BETAS: Final = "$betas"
"""The note with the betas that an Anthropic client requests."""

_OF_DOCUMENTS: Final = ("context", "citations")
_OF_FINDINGS: Final = ("source", "citations")
_LOCATIONS: Final = (
    # Bedrock's member; Anthropic's type; what is cited; suffix of Anthropic's start and end
    ("documentChar", "char_location", "document", "char_index"),
    ("documentPage", "page_location", "document", "page_number"),
    ("documentChunk", "content_block_location", "document", "block_index"),
    ("searchResultLocation", "search_result_location", "search_result", "block_index"),
)
_INDEXES: Final = {"document": "documentIndex", "search_result": "searchResultIndex"}


def write_betas(request: ChatRequest) -> Tree:
    """The member for those Anthropic betas that no other member of the body implies.

    A model refuses a request that names a beta unknown to it.
    """
    stated = own(request.extensions, ANTHROPIC).get(BETAS)
    version = claude_version(request.model)
    known = {
        "interleaved-thinking-2025-05-14": version >= (4, 0),
        "context-1m-2025-08-07": "sonnet" in request.model and (4, 0) <= version < (4, 6),
        "output-128k-2025-02-19": version == (3, 7),
    }
    named = stated if isinstance(stated, list) else []
    betas = [beta for beta, taken in known.items() if taken and beta in named]
    return nested((ADDITIONAL, "anthropic_beta"), betas) if betas else {}


def texts_of(content: Any) -> list[str]:
    """The texts of blocks, which both APIs write with a member `text`."""
    found = content if isinstance(content, list) else ()
    texts = (block.get("text") for block in found if isinstance(block, dict))
    return [text for text in texts if isinstance(text, str)]


def document_note(wire: Mapping[str, Any], part: Document) -> Mapping[str, Any]:
    """The Anthropic members of a Converse document.

    Only for PDF and plain text; Anthropic's API takes other types in another form.
    """
    if part.media_type not in (None, "application/pdf", "text/plain"):
        return {}
    note = _members(wire, _OF_DOCUMENTS)
    if chunks := texts_of(wire["source"].get("content")):
        note["$source"] = {"type": "content", "content": _blocks(chunks)}
    return {ANTHROPIC: note} if note else {}


def document_details(messages: Iterable[Message]) -> dict[str, dict[str, Any]]:
    """These members beside a request, where dialects that leave them out name them as losses."""
    found: dict[str, Any] = {}
    for part in (part for message in messages for part in message.parts):
        for inner in part.parts if isinstance(part, ToolResult) else (part,):
            if isinstance(inner, Document):
                kept = own(inner.extensions, ANTHROPIC).items()
                found |= {k: v for k, v in kept if k[:1] != "$" and v != {"enabled": False}}
    return {OF_DOCUMENTS: found} if found else {}


def document_members(part: Document) -> dict[str, Any]:
    """The Converse members of an Anthropic document."""
    kept = own(part.extensions, ANTHROPIC)
    members = _members(kept, _OF_DOCUMENTS)
    if chunks := texts_of(own(kept, "$source").get("content")):
        members["source"] = {"content": [{"text": text} for text in chunks]}
    return members


def finding_note(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Anthropic members of a `searchResult`."""
    found = _blocks(texts_of(wire.get("content")))
    return {ANTHROPIC: {**_members(wire, _OF_FINDINGS), "$found": found}}


def finding(part: Document) -> dict[str, Any] | None:
    """The `searchResult` for an Anthropic one; None for an ordinary document."""
    kept = own(part.extensions, ANTHROPIC)
    if "$found" not in kept:
        return None
    chunks = texts_of(kept["$found"]) or [part.text or ""]
    content = [{"text": text} for text in chunks]
    return {"title": part.name or "", "content": content, **_members(kept, _OF_FINDINGS)}


def citation_note(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    """The Anthropic members of a Converse citation."""
    location = wire.get("location")
    where = location if isinstance(location, dict) else {}
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
    """The Converse members of an Anthropic citation, besides title and text."""
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
