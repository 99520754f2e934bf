"""The content parts of Responses messages, to and from canonical parts."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

from jackfield.dialects import Loss
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Citation,
    Document,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
)

from .chat_parts import split_data_url
from .file_names import file_name
from .foreign_files import foreign_file, is_foreign

NAME = "openai.responses"
JSON = dict[str, Any]
NOTES = ("$item", "$beside")
"""What the first part of a message keeps of the message itself."""

_CONTENT = "content."
_TEXT_TYPES = frozenset({"input_text", "output_text", "text"})


def own(extensions: Mapping[str, Mapping[str, Any]]) -> JSON:
    """The extensions for this dialect; empty if there are none."""
    return dict(extensions.get(NAME, ()))


def rest(tree: Mapping[str, Any], *known: str) -> JSON:
    """The members of `tree` beyond the `known` ones."""
    return {key: value for key, value in tree.items() if key not in known}


def riding(extra: JSON) -> JSON:
    """Extensions that carry `extra`; none if it is empty."""
    return {NAME: extra} if extra else {}


def parse_content(content: str | list[JSON]) -> tuple[Part, ...]:
    """The parts of a message's content."""
    if isinstance(content, str):
        return (Text(content),)
    return tuple(map(parse_part, content))


def parse_part(block: JSON) -> Part:
    """One content part; a part of an unknown type is kept whole."""
    kind = block.get("type")
    if kind in _TEXT_TYPES and isinstance(block.get("text"), str):
        return _parse_text(block)
    if kind == "refusal" and isinstance(block.get("refusal"), str):
        return Refusal(block["refusal"], extensions=riding(rest(block, "type", "refusal")))
    if kind == "input_image":
        return _parse_image(block)
    if kind == "input_file":
        return _parse_file(block)
    if kind == "input_audio" and isinstance(block.get("input_audio"), dict):
        audio = block["input_audio"]
        # Marked: the client's provider accepts audio here, OpenAI does not.
        return Audio(audio.get("data"), audio.get("format"), extensions={NAME: {"$block": block}})
    return Opaque(NAME, f"{_CONTENT}{kind}", block)


def _parse_text(block: JSON) -> Text:
    citations = tuple(map(parse_citation, block.get("annotations") or ()))
    extra = rest(block, "type", "text", "annotations")
    if not extra.get("logprobs"):
        extra.pop("logprobs", None)
    return Text(block["text"], citations, riding(extra))


def _parse_image(block: JSON) -> Image:
    url, data, media_type = block.get("image_url"), None, None
    if isinstance(url, str):
        media_type, data = split_data_url(url)
    extra = rest(block, "type", "image_url", "file_id", "detail")
    return Image(
        url=url if data is None else None,
        data=data,
        media_type=media_type,
        file_id=block.get("file_id"),
        detail=block.get("detail"),
        extensions={NAME: extra},
    )


def _parse_file(block: JSON) -> Document:
    source, data, media_type = block.get("file_data"), None, None
    if isinstance(source, str):
        media_type, data = split_data_url(source)
    return Document(
        url=block.get("file_url"),
        data=source if data is None else data,
        media_type=media_type,
        file_id=block.get("file_id"),
        name=block.get("filename"),
        extensions={NAME: rest(block, "type", "file_data", "file_url", "file_id", "filename")},
    )


def is_content(part: Part) -> TypeGuard[Opaque]:
    """Whether the part is an unchanged content part, not an item."""
    return isinstance(part, Opaque) and part.dialect == NAME and part.kind.startswith(_CONTENT)


def parse_citation(annotation: JSON) -> Citation:
    """An annotation of output text."""
    start, end = annotation.get("start_index"), annotation.get("end_index")
    if annotation.get("type") == "url_citation":
        extra = rest(annotation, "type", "url", "title", "start_index", "end_index")
        return Citation(
            annotation.get("url"), annotation.get("title"), None, start, end, riding(extra)
        )
    # A file citation has no URL; other dialects can only use the name.
    title = annotation.get("filename")
    return Citation(None, title, None, start, end, {NAME: {"$annotation": annotation}})


def render_citation(citation: Citation, length: int) -> JSON | None:
    """The annotation of a text; without a range it covers the whole text.

    None if this dialect has no such kind.
    """
    extra = own(citation.extensions)
    if "$annotation" in extra:
        return dict(extra["$annotation"])
    if citation.url is None:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title or "",
        "start_index": citation.start or 0,
        "end_index": length if citation.end is None else citation.end,
        **extra,
    }


def drops_quote(citation: Citation, text: str) -> bool:
    """Whether its annotation of a text leaves out the source's words."""
    quoted = citation.cited_text or ""
    return NAME not in citation.extensions and quoted not in text


def render_input(parts: Sequence[Part], path: str, losses: list[Loss]) -> str | list[JSON]:
    """The content of a message to the model, or of a tool's output; a lone text is a string."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text) and not own(parts[0].extensions):
        return parts[0].text
    blocks = (_render_block(part, f"{path}[{index}]", losses) for index, part in enumerate(parts))
    return [block for block in blocks if block is not None]


def _render_block(part: Part, path: str, losses: list[Loss]) -> JSON | None:
    match part:
        case Text() | Refusal():
            extra = rest(own(part.extensions), *NOTES, "logprobs")
            return {"type": "input_text", "text": part.text, **extra}
        case Image() | Document() if _is_elsewhere(part):
            losses.append(foreign_file(part, path))
        case Image():
            return _render_image(part)
        case Document():
            return _render_file(part)
        case Audio() if "$block" in own(part.extensions):
            return dict(own(part.extensions)["$block"])
        case Audio():
            # Dropping audio changes the question.
            losses.append(Loss("audio", path, "dropped", breaks=True))
        case Opaque() if is_content(part):
            return dict(part.value)
        case _:
            losses.append(lost_part(part, path, "user"))
    return None


def _is_elsewhere(part: Image | Document) -> bool:
    """Whether it is a file stored with another vendor."""
    held = part.data or (isinstance(part, Document) and part.text)
    return not held and is_foreign(part)


def _render_image(image: Image) -> JSON:
    block: JSON = {"type": "input_image"}
    if image.data is not None:
        block["image_url"] = f"data:{image.media_type or 'image/png'};base64,{image.data}"
    elif image.url is not None:
        block["image_url"] = image.url
    if image.file_id is not None:
        block["file_id"] = image.file_id
    if image.detail is not None or NAME not in image.extensions:
        # OpenAI's types require it; this is the default.
        block["detail"] = image.detail or "auto"
    return block | own(image.extensions)


def _render_file(document: Document) -> JSON:
    block: JSON = {"type": "input_file"}
    data, media_type = document.data, document.media_type
    if document.text is not None:
        data = base64.b64encode(document.text.encode()).decode()
        media_type = media_type or "text/plain"
    if data is not None:
        # Without a media type, the data came without the `data:` prefix and is passed on so.
        block["file_data"] = f"data:{media_type};base64,{data}" if media_type else data
        if NAME not in document.extensions:
            block["filename"] = file_name(media_type, document.name)
    for key, value in (
        ("file_url", document.url),
        ("file_id", document.file_id),
        ("filename", block.get("filename", document.name)),
    ):
        if value is not None:
            block[key] = value
    return block | own(document.extensions)
