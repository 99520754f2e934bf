"""OpenAI's `images/generations` and `images/edits`, made by Gemini's image models and by Imagen."""

import binascii
import math
import re
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from jackfield.errors import InvalidRequest

from .file_kinds import picture_type
from .openai_jobs import Answer, Job, NotMade, media_in, parts_in, reason_in
from .openai_wishes import Wishes
from .usage import read_usage

_SIZE: Final = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_GEMINIS: Final = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_IMAGENS: Final = ("1:1", "3:4", "4:3", "9:16", "16:9")
_MOST_AT_ONCE: Final = 4
"""How many images Imagen makes for one request."""


def generation(wishes: Wishes, model: str) -> Job:
    """The request for new images. Raises InvalidRequest."""
    count = _common(wishes)
    prompt = wishes.needed("prompt")
    if "imagen" in model:
        return _imagen(wishes, prompt, count)
    return _gemini(wishes, [{"text": prompt}], count)


def edit(wishes: Wishes, model: str) -> Job:
    """The request for a changed image. Raises InvalidRequest."""
    if "imagen" in model:
        raise InvalidRequest("Imagen only makes new images; name a model of Gemini's.")
    count = _common(wishes)
    wishes.refuse("mask", "Google's models take no mask: describe what is to be changed.")
    parts: list[dict[str, Any]] = [{"text": wishes.needed("prompt")}]
    listed = wishes.take("images")
    images = _linked(listed) if listed is not None else wishes.files("image")
    for data in images:
        shown = {"mimeType": picture_type(data), "data": b64encode(data).decode()}
        parts.append({"inlineData": shown})
    return _gemini(wishes, parts, count)


def _common(wishes: Wishes) -> int:
    """What both have in common; the number of images."""
    wishes.refuse("stream", "Google does not stream images in OpenAI's events.")
    wishes.one_of("response_format", ("b64_json",))
    count = wishes.number("n")
    if count is not None and (count < 1 or not count.is_integer()):
        raise InvalidRequest("'n' must be a positive whole number.", param="n")
    return int(count or 1)


def _linked(listed: Any) -> Sequence[bytes]:
    """The images that JSON names, which must contain their data."""
    found = []
    for one in listed if isinstance(listed, list) else ():
        url = one.get("image_url") if isinstance(one, dict) else None
        head, mark, data = url.partition(";base64,") if isinstance(url, str) else ("", "", "")
        if not (mark and head.startswith("data:")):
            raise InvalidRequest("Google takes images as data: URLs alone.", param="images")
        try:
            found.append(b64decode(data, validate=True))
        except binascii.Error:
            raise InvalidRequest("An image is not base64.", param="images") from None
    if not found:
        raise InvalidRequest("'images' must be a list of images.", param="images")
    return found


def _ratio(wishes: Wishes, known: tuple[str, ...]) -> str | None:
    """The aspect ratio that comes closest to a size."""
    size = wishes.text("size")
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
    wishes.approximate("size", f"the aspect ratio {ratio}")
    return ratio


def _gemini(wishes: Wishes, parts: list[dict[str, Any]], count: int) -> Job:
    if count > 1:
        raise InvalidRequest("Gemini makes one image for each request.", param="n")
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
    if (ratio := _ratio(wishes, _GEMINIS)) is not None:
        config["imageConfig"] = {"aspectRatio": ratio}
    contents = [{"role": "user", "parts": parts}]
    return Job({"contents": contents, "generationConfig": config}, wishes.losses(), _drawn)


def _imagen(wishes: Wishes, prompt: str, count: int) -> Job:
    if count > _MOST_AT_ONCE:
        raise InvalidRequest(f"Imagen makes up to {_MOST_AT_ONCE} images at once.", param="n")
    parameters: dict[str, Any] = {"sampleCount": count}
    if (ratio := _ratio(wishes, _IMAGENS)) is not None:
        parameters["aspectRatio"] = ratio
    tree = {"instances": [{"prompt": prompt}], "parameters": parameters}
    return Job(tree, wishes.losses(), _predicted, predicts=True)


def _drawn(tree: Mapping[str, Any]) -> Answer:
    found = [
        media
        for part in parts_in(tree)
        if not part.get("thought") and (media := media_in(part)) is not None
    ]
    if not found:
        raise NotMade(reason_in(tree))
    return _answer(found, _usage(tree))


def _predicted(tree: Mapping[str, Any]) -> Answer:
    listed = tree.get("predictions")
    made = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = [(one.get("bytesBase64Encoded"), str(one.get("mimeType") or "")) for one in made]
    images = [(data, kind) for data, kind in found if isinstance(data, str)]
    if not images:  # Google leaves out what it has blocked
        raise NotMade("IMAGE_SAFETY" if not made else "its images cannot be read")
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
    given, made = used.image_input_tokens, used.image_output_tokens
    usage = {
        "input_tokens": used.input_tokens,
        "input_tokens_details": {
            "image_tokens": given,
            "text_tokens": max(used.input_tokens - given, 0),
        },
        "output_tokens": used.output_tokens,
        "output_tokens_details": {
            "image_tokens": made,
            "text_tokens": max(used.output_tokens - made, 0),
        },
        "total_tokens": used.total_tokens,
    }
    return {"usage": usage}
