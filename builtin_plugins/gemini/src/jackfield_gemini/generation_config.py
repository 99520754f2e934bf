"""`generationConfig`: sampling, limits and the format of the answer."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest, ResponseFormat

from .fields import Fields, own
from .schema import for_gemini, from_openapi
from .thinking import read_thinking, write_thinking

_NUMBERS: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "frequencyPenalty": "frequency_penalty",
    "presencePenalty": "presence_penalty",
}
_INTEGERS: Final = {
    "topK": "top_k",
    "maxOutputTokens": "max_tokens",
    "candidateCount": "n",
    "seed": "seed",
    "logprobs": "top_logprobs",
}
_JSON: Final = "application/json"
_SCHEMA_KEYS: Final = ("responseJsonSchema", "_responseJsonSchema", "responseSchema")


def read_config(wire: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its canonical fields by name, and what only Gemini knows."""
    fields = Fields(wire, "generationConfig")
    known: dict[str, Any] = {
        **{field: fields.number(key) for key, field in _NUMBERS.items()},
        **{field: fields.integer(key) for key, field in _INTEGERS.items()},
        "logprobs": fields.flag("responseLogprobs"),
        "stop": fields.words("stopSequences"),
        "modalities": tuple(word.lower() for word in fields.words("responseModalities")),
        "response_format": _read_format(fields),
        "reasoning": read_thinking(fields),
    }
    rest = {key: value for key, value in fields.rest.items() if value is not None}
    return known, rest


def _read_format(fields: Fields) -> ResponseFormat | None:
    media_type = fields.rest.get("responseMimeType")
    if media_type is not None and not isinstance(media_type, str):
        raise fields.wrong("responseMimeType", "a string")
    if media_type == "text/x.enum":  # a name of an enumeration, which no other vendor has
        return None
    fields.rest.pop("responseMimeType", None)
    for key in _SCHEMA_KEYS:
        schema = fields.table(key)
        if schema is not None:
            plain = from_openapi(schema) if key == "responseSchema" else schema
            return ResponseFormat("json_schema", schema=plain)
    if media_type == _JSON:
        return ResponseFormat("json_object")
    return ResponseFormat("text") if media_type == "text/plain" else None


def write_config(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    """The original `generationConfig`, unless its values have changed since."""
    kept = own(request.extensions)
    raw = kept.get("$generationConfig")
    if raw is not None and _has_same_format(raw, request):
        return {"generationConfig": raw}
    config: dict[str, Any] = dict(kept.get("generationConfig") or {})
    for key, field in (*_NUMBERS.items(), *_INTEGERS.items()):
        if getattr(request, field) is not None:
            config[key] = getattr(request, field)
    if request.logprobs is not None:
        config["responseLogprobs"] = request.logprobs
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if request.modalities:
        config["responseModalities"] = [word.upper() for word in request.modalities]
    config.update(_write_format(request.response_format))
    config.update(write_thinking(request.reasoning, request.model, losses))
    return {"generationConfig": config} if config or raw is not None else {}


def _has_same_format(raw: Mapping[str, Any], request: ChatRequest) -> bool:
    known, _ = read_config(raw)
    same: ChatRequest = replace(request, **known)
    return same == request


def _write_format(response_format: ResponseFormat | None) -> dict[str, Any]:
    if response_format is None:
        return {}
    if response_format.kind == "text":
        return {"responseMimeType": "text/plain"}
    config: dict[str, Any] = {"responseMimeType": _JSON}
    if response_format.kind == "json_schema" and response_format.schema is not None:
        schema = dict(for_gemini(response_format.schema))
        if response_format.description is not None:
            schema.setdefault("description", response_format.description)
        config["responseJsonSchema"] = schema
    return config
