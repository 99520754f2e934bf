"""Images in Ollama's form: base64 without a media type, which their first bytes reveal."""

from collections.abc import Iterable, Mapping, Sequence

from jackfield.dialects import Loss
from jackfield.fields import Fields
from jackfield.messages import Extensions, Image, Part

from .tools import NAME

_BEGINNINGS: Mapping[str, str] = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
}


def read_images(fields: Fields) -> list[Image]:
    """The `images` of a message or prompt; those of an answer are marked as Ollama's own.

    Raises InvalidRequest for invalid base64.
    """
    images = []
    note: Extensions = {} if fields.strict else {NAME: {}}
    for i, data in enumerate(fields.items("images")):
        if isinstance(data, str) and data:
            images.append(Image(data=data, media_type=media_type_of(data), extensions=note))
        elif fields.strict:
            raise fields.wrong(f"images[{i}]", "an image in base64")
    return images


def media_type_of(data: str) -> str | None:
    """The media type revealed by the first bytes of base64 `data`."""
    for beginning, media_type in _BEGINNINGS.items():
        if data.startswith(beginning):
            return media_type
    return None


def write_images(images: Iterable[Image], path: str, losses: list[Loss]) -> list[str]:
    """The `images` of a message; images not present as data break the request."""
    written = []
    for image in images:
        if image.detail not in (None, "auto"):
            losses.append(Loss("images.detail", path, "dropped"))
        if image.data is not None:
            written.append(image.data)
        else:
            feature = "images.url" if image.url is not None else "images.file_id"
            detail = "Ollama only takes images as base64"
            losses.append(Loss(feature, path, "dropped", detail, breaks=True))
    return written


def readable(parts: Sequence[Part], most: int, path: str, losses: list[Loss]) -> list[Part]:
    """The parts of an answer with only the first `most` of other vendors' images."""
    kept: list[Part] = []
    others = 0
    for part in parts:
        if isinstance(part, Image) and NAME not in part.extensions:
            others += 1
            if others > most:
                continue
        kept.append(part)
    if others > most:
        detail = f"of {others} Ollama's client can read {most}"
        losses.append(Loss("images", path, "dropped", detail))
    return kept
