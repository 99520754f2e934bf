"""Cited text in Converse: a block of text with its citations."""

from typing import Any, Final

from jackfield.fields import Fields, carry, own
from jackfield.messages import Citation, Text

from .converse_claude import citation_members, citation_note, texts_of
from .converse_names import NAME

CITED_WHOLE: Final = "a citation is of the whole block of text"
"""What becomes of a citation of a part of a text."""


def read_cited_text(fields: Fields) -> Text:
    """The text of a `citationsContent` block, with its citations."""
    content = fields.rest.get("content")
    texts = texts_of(content)
    if content == [{"text": texts[0]}] if texts else content == []:
        del fields.rest["content"]
    citations = tuple(read_citation(wire) for wire in fields.items("citations"))
    note = {**fields.rest, "$form": "citationsContent"}
    return Text("".join(texts), citations, extensions={NAME: note})


def read_citation(wire: Any) -> Citation:
    """One citation, kept complete: only Anthropic's API has positions in documents too."""
    inner = wire if isinstance(wire, dict) else {}
    return Citation(
        url=_url(inner),
        title=_text(inner.get("title")),
        cited_text="".join(texts_of(inner.get("sourceContent"))) or None,
        extensions={NAME: {"$citation": wire}, **citation_note(inner)},
    )


def _url(wire: dict[str, Any]) -> str | None:
    location = wire.get("location")
    web = location.get("web") if isinstance(location, dict) else None
    url = _text(web.get("url")) if isinstance(web, dict) else None
    source = _text(wire.get("source"))
    if url is None and source is not None and source.startswith(("https://", "http://")):
        return source
    return url


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def write_cited_text(part: Text) -> dict[str, Any]:
    """The `citationsContent` of a block."""
    kept = own(part.extensions, NAME)
    content = kept.get("content")
    if not isinstance(content, list) or "".join(texts_of(content)) != part.text:
        content = [{"text": part.text}] if part.text else []
    wire: dict[str, Any] = {"content": content}
    if part.citations:
        wire["citations"] = [write_citation(citation) for citation in part.citations]
    return carry(wire, part.extensions, NAME)


def write_citation(citation: Citation) -> Any:
    """One citation: the original one, or another dialect's converted."""
    kept = own(citation.extensions, NAME)
    if "$citation" in kept:
        return kept["$citation"]
    wire: dict[str, Any] = {}
    if citation.title:
        wire["title"] = citation.title
    if citation.cited_text:
        wire["sourceContent"] = [{"text": citation.cited_text}]
    if citation.url:
        wire["location"] = {"web": {"url": citation.url}}
    return {**wire, **citation_members(citation)}


def cites_a_span(citation: Citation, length: int | None = None) -> bool:
    """Whether it is of a part of its text, which Converse cites as a whole.

    `length` is that of the text; in a stream it is not yet known.
    """
    return bool(citation.start) or (citation.end is not None and citation.end != length)
