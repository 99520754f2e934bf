"""Citations: one of Cohere's names a span of the answer and all its sources.

A canonical citation has one source, so a Cohere citation becomes one per source; the first keeps
the original, and the others note that they belong to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from jackfield.fields import Fields, own
from jackfield.messages import Citation

from .chat_parts import NAME

_WHOLE: Final = "$citation"
_MORE: Final = "$more"
_TEXTS: Final = ("text", "snippet", "content")
"""Members of a source that usually contain its text."""


def read_citation(wire: Any) -> list[Citation]:
    """One citation per source; one without a source if there are none."""
    if not isinstance(wire, dict):
        return [Citation(extensions={NAME: {_WHOLE: wire}})]
    fields = Fields(wire, strict=False)
    start, end = fields.integer("start"), fields.integer("end")
    sources = [source for source in fields.items("sources") if isinstance(source, dict)]
    found = [_read_source(source) for source in sources] or [Citation()]
    notes: list[Mapping[str, Any]] = [{_WHOLE: wire}, *({_MORE: True} for _ in found[1:])]
    return [
        replace(citation, start=start, end=end, extensions={NAME: note})
        for citation, note in zip(found, notes, strict=True)
    ]


def _read_source(source: Mapping[str, Any]) -> Citation:
    data = source.get("document") or source.get("tool_output")
    fields = Fields(data if isinstance(data, dict) else {}, strict=False)
    identity = source.get("id")
    is_address = isinstance(identity, str) and identity.startswith(("http://", "https://"))
    texts = [text for key in _TEXTS if (text := fields.text(key)) is not None]
    return Citation(
        url=fields.text("url") or (identity if is_address else None),
        title=fields.text("title") or (identity if isinstance(identity, str) else None),
        cited_text=texts[0] or None if texts else None,
    )


def write_citations(
    citations: Sequence[Citation], text: str, content_index: int
) -> list[dict[str, Any]]:
    """Cohere's citations of one text, at `content_index` of the message."""
    written = [write_citation(citation, text, content_index) for citation in citations]
    return [wire for wire in written if wire is not None]


def write_citation(citation: Citation, text: str, content_index: int) -> dict[str, Any] | None:
    """One citation; None if another one of the same span already covers it."""
    kept = own(citation.extensions, NAME)
    if _MORE in kept:
        return None
    span = {
        "start": 0 if citation.start is None else citation.start,
        "end": len(text) if citation.end is None else citation.end,
    }
    whole = kept.get(_WHOLE)
    if isinstance(whole, dict):
        position = (citation.start, citation.end)
        return whole if position == (whole.get("start"), whole.get("end")) else {**whole, **span}
    identity = citation.url or citation.title or "doc:0"
    document = {"id": identity, "title": citation.title or identity}
    if citation.url is not None:
        document["url"] = citation.url
    document["text"] = citation.cited_text or ""  # without it the AI SDK refuses the whole answer
    return {
        **span,
        "text": text[span["start"] : span["end"]],
        "sources": [{"type": "document", "id": identity, "document": document}],
        "type": "TEXT_CONTENT",
        "content_index": content_index,
    }
