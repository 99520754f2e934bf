"""Citations of Messages text blocks, to and from canonical ones.

Their offsets count characters, pages or blocks of the source, not of the citing text, so they are
kept with the block unchanged.
"""

from collections.abc import Iterable
from typing import Any

from jackfield.dialects import Loss
from jackfield.fields import Fields
from jackfield.messages import Citation
from jackfield.proofs import MARK, is_sealed

from .fields import NAME, own


def read_citations(fields: Fields) -> tuple[Citation, ...]:
    """The citations of a text block."""
    where = fields.where("citations")
    return tuple(
        read_citation(wire) if isinstance(wire, dict) else _refuse(fields, where)
        for wire in fields.items("citations")
    )


def _refuse(fields: Fields, where: str) -> Citation:
    raise fields.wrong(where.rpartition(".")[2], "an array of objects")


def read_citation(wire: dict[str, Any]) -> Citation:
    """One citation of any kind."""
    fields = Fields(wire, strict=False)
    foreign = is_sealed(wire.get("encrypted_index"))
    source = fields.text("source") or ""
    url = fields.text("url") or (source if source.startswith(("http://", "https://")) else None)
    return Citation(
        url=url,
        title=fields.text("title") or fields.text("document_title"),
        cited_text=fields.text("cited_text"),
        extensions={} if foreign else {NAME: {"$citation": wire}},
    )


def write_citation(citation: Citation) -> dict[str, Any] | None:
    """The citation; None for one from another dialect without a URL."""
    kept = own(citation.extensions).get("$citation")
    if kept is not None:
        return dict(kept)
    if citation.url is None:
        return None
    return {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title or citation.url,  # some clients refuse null
        "cited_text": citation.cited_text or "",
        "encrypted_index": MARK,
    }


def lost_span(
    citations: Iterable[Citation], path: str, length: int | None = None
) -> tuple[Loss, ...]:
    """The loss if one of the citations is of a part of its text, which here is cited as a whole.

    `length` is that of the text; in a stream it is not yet known.
    """
    partial = (one.start or (one.end is not None and one.end != length) for one in citations)
    detail = "a citation is of the whole block of text"
    return (Loss("citations.span", path, "approximated", detail),) if any(partial) else ()
