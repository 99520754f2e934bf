"""Sources of an answer: Google's `groundingMetadata` and `citationMetadata` as citations."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import Citation, Part, Text

_CHUNKS = ("web", "retrievedContext", "maps", "image")


@frozen
class Cited:
    """A citation of the text in the part at `place`."""

    place: int
    citation: Citation


def read_sources(candidate: Any, texts: Sequence[tuple[int, str]]) -> list[Cited]:
    """All citations of a candidate; `texts` are its texts with their positions.

    Google counts bytes of UTF-8, the canonical form characters.
    """
    if not texts:
        return []
    return [
        *_grounded(candidate.get("groundingMetadata"), texts),
        *_recited(candidate.get("citationMetadata"), texts),
    ]


def _grounded(metadata: Any, texts: Sequence[tuple[int, str]]) -> list[Cited]:
    if not isinstance(metadata, dict):
        return []
    sources = [_source(chunk) for chunk in _dicts(metadata.get("groundingChunks"))]
    found = []
    used: set[int] = set()
    for support in _dicts(metadata.get("groundingSupports")):
        segment = support.get("segment")
        indices = support.get("groundingChunkIndices")
        if not isinstance(segment, dict) or not isinstance(indices, list):
            continue
        place, cited = _located(segment, texts)
        for index in indices:
            if isinstance(index, int) and 0 <= index < len(sources):
                used.add(index)
                source = sources[index]
                found.append(Cited(place, replace(cited, url=source.url, title=source.title)))
    unused = [source for i, source in enumerate(sources) if i not in used]
    return found + [Cited(texts[0][0], source) for source in unused if source.url]


def _dicts(value: Any) -> list[dict[str, Any]]:
    # Indexes count all chunks, so invalid ones keep their place.
    if not isinstance(value, list):
        return []
    return [item if isinstance(item, dict) else {} for item in value]


def _source(chunk: dict[str, Any]) -> Citation:
    inner: dict[str, Any] = next(
        (chunk[key] for key in _CHUNKS if isinstance(chunk.get(key), dict)), {}
    )
    url = _word(inner.get("uri")) or _word(inner.get("sourceUri"))
    return Citation(url=url, title=_word(inner.get("title")))


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _located(segment: dict[str, Any], texts: Sequence[tuple[int, str]]) -> tuple[int, Citation]:
    """The part that contains a segment, and its position there in characters."""
    quoted = _word(segment.get("text"))
    start, end = _offset(segment.get("startIndex")), _offset(segment.get("endIndex"))
    for place, text in texts:
        data = text.encode()
        cut = data[start:end].decode("utf-8", "ignore")
        if cut and quoted in (None, cut):
            first = len(data[:start].decode("utf-8", "ignore"))
            return place, Citation(cited_text=quoted, start=first, end=first + len(cut))
    for place, text in texts:
        if quoted is not None and quoted in text:
            first = text.index(quoted)
            return place, Citation(cited_text=quoted, start=first, end=first + len(quoted))
    return texts[-1][0], Citation(cited_text=quoted)


def _offset(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _recited(metadata: Any, texts: Sequence[tuple[int, str]]) -> list[Cited]:
    if not isinstance(metadata, dict):
        return []
    found = []
    listed = metadata.get("citationSources") or metadata.get("citations")
    for source in _dicts(listed):
        place, located = _located({k: source.get(k) for k in ("startIndex", "endIndex")}, texts)
        cited = replace(located, url=_word(source.get("uri")), title=_word(source.get("title")))
        if cited.url or cited.title:
            found.append(Cited(place, cited))
    return found


def cite(parts: Sequence[Part], candidate: Any) -> list[Part]:
    """The parts, with each text's citations attached."""
    texts = [(i, part.text) for i, part in enumerate(parts) if isinstance(part, Text)]
    cited = list(parts)
    for found in read_sources(candidate, texts):
        part = cited[found.place]
        if isinstance(part, Text):
            cited[found.place] = replace(part, citations=(*part.citations, found.citation))
    return cited


class GroundingWriter:
    """Collects citations of any vendor as `groundingMetadata`, and their losses."""

    def __init__(self, losses: list[Loss]) -> None:
        self._losses = losses
        self._sources: dict[tuple[str, str], int] = {}
        self._supports: list[dict[str, Any]] = []

    def add(self, citation: Citation, text: str, place: int) -> None:
        """Cite a source for a span of the text in the part at `place`."""
        if citation.url is None:
            self._lose("citations", "Gemini cites URLs only")
            return
        if citation.cited_text and citation.cited_text not in text:
            self._lose("citations.cited_text", "Gemini quotes the answer, not the source")
        key = (citation.url, citation.title or citation.url)
        index = self._sources.setdefault(key, len(self._sources))
        segment = _segment(citation, text)
        if segment:
            if place:
                segment["partIndex"] = place
            self._supports.append({"segment": segment, "groundingChunkIndices": [index]})

    def metadata(self) -> dict[str, Any] | None:
        """The collected metadata, or None if nothing was cited."""
        if not self._sources:
            return None
        chunks = [{"web": {"uri": uri, "title": title}} for uri, title in self._sources]
        found: dict[str, Any] = {"groundingChunks": chunks}
        if self._supports:
            found["groundingSupports"] = self._supports
        return found

    def _lose(self, feature: str, detail: str) -> None:
        loss = Loss(feature, "candidates", "dropped", detail)
        if loss not in self._losses:
            self._losses.append(loss)


def _segment(citation: Citation, text: str) -> dict[str, Any]:
    """The span of the answer that a source supports; by default its whole text."""
    end = citation.end
    if end is None and citation.cited_text is None:
        return {}
    start = (citation.start or 0) if end is not None and end <= len(text) else 0
    span = text[start:end]
    first = len(text[:start].encode())
    wire: dict[str, Any] = {"endIndex": first + len(span.encode()), "text": span}
    return {"startIndex": first, **wire} if first else wire
