"""Sources that Perplexity and xAI list beside an answer, as citations of its text.

Only numbers in the text, such as `[2]`, relate a part of it to a source.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from jackfield.fields import own
from jackfield.messages import Citation, Message, Text

from .chat_parts import NAME

_LISTED = "$listed"


def read_sources(answer: Mapping[str, Any]) -> tuple[Citation, ...]:
    """The citations in the `citations` and `search_results` of an answer or its chunks."""
    if "citations" not in answer and "search_results" not in answer:
        return ()
    titles = {
        result["url"]: result.get("title")
        for result in _items(answer, "search_results")
        if isinstance(result, dict) and isinstance(result.get("url"), str)
    }
    listed = [url for url in _items(answer, "citations") if isinstance(url, str)]
    return tuple([_citation(url, titles.get(url)) for url in listed or titles])


def is_listed(citation: Citation) -> bool:
    """Whether this dialect lists it beside the answer instead of attaching it to the text."""
    return bool(own(citation.extensions, NAME).get(_LISTED))


def with_sources(message: Message, sources: tuple[Citation, ...]) -> Message:
    """The message with the sources cited by its first text, unless it has citations."""
    parts = list(message.parts)
    place = next((i for i, part in enumerate(parts) if isinstance(part, Text)), None)
    text = None if place is None else parts[place]
    if place is None or not isinstance(text, Text) or text.citations:
        return message
    parts[place] = replace(text, citations=sources)
    return replace(message, parts=tuple(parts))


def _items(answer: Mapping[str, Any], key: str) -> list[Any]:
    items = answer.get(key)
    return items if isinstance(items, list) else []


def _citation(url: str, title: Any) -> Citation:
    titled = title if isinstance(title, str) else None
    return Citation(url, titled, extensions={NAME: {_LISTED: True}})
