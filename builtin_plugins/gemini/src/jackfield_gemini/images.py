"""OpenAI's `images/generations` and `images/edits`, with Gemini's image models and Imagen."""

import math
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from jackfield.errors import InvalidRequest

from .media_requests import Answer, MediaRequest, NoOutputError, media_in, parts_in, reason_in
from .media_types import image_type
from .openai_fields import OpenAIFields
from .usage import read_usage

_SIZE: Final = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_GEMINI_RATIOS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_IMAGEN_RATIOS: Final = ("1:1", "3:4", "4:3", "9:16", "16:9")
_MAX_IMAGES: Final = 4
"""The most images that Imagen generates for one request."""


def generation(fields: OpenAIFields, model: str) -> MediaRequest:
    """The request for new images. Raises InvalidRequest."""
    count = _image_count(fields)
    prompt = fields.required("prompt")
    if "imagen" in model:
        return _imagen_request(fields, prompt, count)
    return _gemini_request(fields, [{"text": prompt}], count)


def edit(fields: OpenAIFields, model: str) -> MediaRequest:
    """The request for a changed image. Raises InvalidRequest."""
    if "imagen" in model:
        raise InvalidRequest("Imagen only makes new images; name a model of Gemini's.")
    count = _image_count(fields)
    fields.refuse("mask", "Google's models take no mask: describe what is to be changed.")
    parts: list[dict[str, Any]] = [{"text": fields.required("prompt")}]
    listed = fields.take("images")
    images = _images_in(listed) if listed is not None else fields.files("image")
    for data in images:
        inline = {"mimeType": image_type(data), "data": b64encode(data).decode()}
        parts.append({"inlineData": inline})
    return _gemini_request(fields, parts, count)


def _image_count(fields: OpenAIFields) -> int:
    """The number of images. Raises InvalidRequest for options that Google does not have."""
    fields.refuse("stream", "Google does not stream images in OpenAI's events.")
    fields.one_of("response_format", ("b64_json",))
    return fields.count("n") or 1


def _images_in(listed: Any) -> Sequence[bytes]:
    """The images in a list of JSON, which must be `data:` URLs. Raises InvalidRequest."""
    found = []
    for one in listed if isinstance(listed, list) else ():
        url = one.get("image_url") if isinstance(one, dict) else None
        head, mark, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
        if not (mark and head.startswith("data:")):
            raise InvalidRequest("Google takes images as data: URLs alone.", param="images")
        try:
            found.append(b64decode(data, validate=True))
        except ValueError:
            raise InvalidRequest("An image is not base64.", param="images") from None
    if not found:
        raise InvalidRequest("'images' must be a list of images.", param="images")
    return found


def _aspect_ratio(fields: OpenAIFields, known: tuple[str, ...]) -> str | None:
    """The aspect ratio that comes closest to the wanted size; None if there is none."""
    size = fields.text("size")
    if size in (None, "auto"):
        return None
    match = _SIZE.fullmatch(size or "")
    if match is None:
        raise InvalidRequest("'size' must be as in 1024x1024.", param="size")
    wanted = math.log(int(match[1]) / int(match[2]))

    def distance(ratio: str) -> float:
        width, height = ratio.split(":")
        return abs(math.log(int(width) / int(height)) - wanted)

    ratio = min(known, key=distance)
    fields.approximate("size", f"the aspect ratio {ratio}")
    return ratio


def _gemini_request(fields: OpenAIFields, parts: list[dict[str, Any]], count: int) -> MediaRequest:
    if count > 1:
        raise InvalidRequest("Gemini makes one image for each request.", param="n")
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    if (ratio := _aspect_ratio(fields, _GEMINI_RATIOS)) is not None:
        config["imageConfig"] = {"aspectRatio": ratio}
    contents = [{"role": "user", "parts": parts}]
    return MediaRequest(
        {"contents": contents, "generationConfig": config}, fields.losses(), _read_gemini
    )


def _imagen_request(fields: OpenAIFields, prompt: str, count: int) -> MediaRequest:
    if count > _MAX_IMAGES:
        raise InvalidRequest(f"Imagen makes up to {_MAX_IMAGES} images at once.", param="n")
    parameters: dict[str, Any] = {"sampleCount": count}
    if (ratio := _aspect_ratio(fields, _IMAGEN_RATIOS)) is not None:
        parameters["aspectRatio"] = ratio
    tree = {"instances": [{"prompt": prompt}], "parameters": parameters}
    return MediaRequest(tree, fields.losses(), _read_imagen, predicts=True)


def _read_gemini(tree: Mapping[str, Any]) -> Answer:
    found = [
        media
        for part in parts_in(tree)
        if not part.get("thought") and (media := media_in(part)) is not None
    ]
    if not found:
        raise NoOutputError(reason_in(tree))
    return _answer(found, _usage(tree))


def _read_imagen(tree: Mapping[str, Any]) -> Answer:
    listed = tree.get("predictions")
    output_images = (
        [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    )
    found = [
        (one.get("bytesBase64Encoded"), str(one.get("mimeType") or "")) for one in output_images
    ]
    images = [(data, kind) for data, kind in found if isinstance(data, str)]
    if not images:  # Google leaves out what it has blocked
        raise NoOutputError("IMAGE_SAFETY" if not output_images else "its images cannot be read")
    return _answer(images, {})


def _answer(images: Sequence[tuple[str, str]], usage: Mapping[str, Any]) -> Answer:
    form = images[0][1].rpartition("/")[2]
    answer = {
        "created": int(time.time()),
        "data": [{"b64_json": data} for data, _ in images],
        **({"output_format": form} if form else {}),
        **usage,
    }
    return msgspec.json.encode(answer), "application/json"


def _usage(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    used = read_usage(tree.get("usageMetadata"))
    if used is None:
        return {}
    input_images, output_images = used.image_input_tokens, used.image_output_tokens
    usage = {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {
            "image_tokens": input_images,
            "text_tokens": max(used.input_tokens - input_images, 0),
        },
        "output_tokens": used.output_tokens,
        "output_tokens_details": {
            "image_tokens": output_images,
            "text_tokens": max(used.output_tokens - output_images, 0),
        },
        "total_tokens": used.total_tokens,
    }
    return {"usage": usage}
