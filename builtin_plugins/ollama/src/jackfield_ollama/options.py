"""Reads and writes the settings of chats and generations."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import Loss, Peek
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, object_fields, own
from jackfield.messages import ChatRequest, ReasoningRequest, ResponseFormat

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_INTEGERS = ("top_k", "seed")
_HINTS = frozenset(
    (
        *("numa", "num_ctx", "num_batch", "num_gpu", "main_gpu", "low_vram", "f16_kv"),
        *("logits_all", "vocab_only", "use_mmap", "use_mlock", "embedding_only"),
        *("num_thread", "num_keep"),
    )
)
"""Options for running a model, not for its answer; other vendors do not need them."""


def peek_lines(tree: Any, params: Mapping[str, str]) -> Peek:
    """The parts of a request that the kernel needs; it streams by default."""
    fields = object_fields(tree)
    model = fields.text("model")
    if model is None:
        raise InvalidRequest("The request names no model: set 'model'.", param="model")
    options = fields.inner("options")
    tokens = options.integer("num_predict") if options is not None else None
    stream = fields.flag("stream")
    return Peek(model, stream is not False, tokens if tokens and tokens > 0 else None)


def take_options(fields: Fields) -> dict[str, Any]:
    """The fields of a ChatRequest in `fields`, except for messages and tools."""
    known: dict[str, Any] = {
        "stream": _take_stream(fields),
        "include_usage": True,
        "reasoning": _take_think(fields),
        "response_format": _take_format(fields),
        "logprobs": fields.flag("logprobs"),
        "top_logprobs": fields.integer("top_logprobs"),
    }
    options = fields.inner("options")
    if options is not None:
        known |= _take_sampling(options, fields.rest)
        hints = {key: value for key, value in options.rest.items() if _is_hint(key, value)}
        if hints:
            fields.rest["$options"] = hints
        rest = {key: value for key, value in options.rest.items() if key not in hints}
        if rest:
            fields.rest["options"] = rest
    if "keep_alive" in fields.rest:
        fields.rest["$keep_alive"] = fields.rest.pop("keep_alive")
    return known


def _take_stream(fields: Fields) -> bool:
    stream = fields.flag("stream")
    if stream is None:
        fields.rest["$stream"] = "absent"
    return stream is not False


def _is_hint(key: str, value: Any) -> bool:
    # Any other num_predict is below 1, which means no limit.
    return key in _HINTS or key == "num_predict" or value in (None, "", [], {})


def _take_sampling(options: Fields, notes: dict[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {key: options.number(key) for key in _NUMBERS}
    known |= {key: options.integer(key) for key in _INTEGERS}
    tokens = options.rest.get("num_predict")
    if type(tokens) is not int or tokens > 0:
        known["max_tokens"] = options.integer("num_predict")
    stop = options.rest.get("stop")
    if isinstance(stop, str) and stop:
        notes["$stop"] = "single"
        known["stop"] = (options.rest.pop("stop"),)
    elif stop is not None and stop != "":
        known["stop"] = tuple(options.items("stop"))
        if not all(isinstance(text, str) for text in known["stop"]):
            raise options.wrong("stop", "a string or an array of strings")
    return known


def _take_think(fields: Fields) -> ReasoningRequest | None:
    think = fields.rest.get("think")
    if think is None or think == "":
        return None
    effort = _effort_of(think)
    if effort is None:
        raise fields.wrong("think", "a boolean or the name of a level")
    fields.rest["$think"] = fields.rest.pop("think")
    return ReasoningRequest(effort=effort)


def _effort_of(think: Any) -> str | None:
    if isinstance(think, bool):
        return "medium" if think else "none"
    return think if isinstance(think, str) else None


def _take_format(fields: Fields) -> ResponseFormat | None:
    format = fields.rest.get("format")
    if format is None or format in ("", {}):
        return None
    if format == "json":
        del fields.rest["format"]
        return ResponseFormat("json_object")
    if not isinstance(format, dict):
        raise fields.wrong("format", '"json" or a JSON schema')
    del fields.rest["format"]
    return ResponseFormat("json_schema", schema=format)


def write_options(request: ChatRequest, dialect: str, losses: list[Loss]) -> dict[str, Any]:
    """The counterpart of `take_options`."""
    kept = own(request.extensions, dialect)
    wire: dict[str, Any] = {}
    if not request.stream or "$stream" not in kept:
        wire["stream"] = request.stream
    wire |= _write_format(request, losses) | _write_think(request, kept, losses)
    if request.logprobs is not None:
        wire["logprobs"] = request.logprobs
    if request.top_logprobs is not None:
        wire["top_logprobs"] = request.top_logprobs
    options = {**(kept.get("options") or {}), **(kept.get("$options") or {})}
    options |= _write_sampling(request, kept)
    if options:
        wire["options"] = options
    if "$keep_alive" in kept:
        wire["keep_alive"] = kept["$keep_alive"]
    return wire


def _write_sampling(request: ChatRequest, kept: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: getattr(request, key) for key in (*_NUMBERS, *_INTEGERS)}
    found["num_predict"] = request.max_tokens
    options = {key: value for key, value in found.items() if value is not None}
    if request.stop:
        single = kept.get("$stop") and len(request.stop) == 1
        options["stop"] = request.stop[0] if single else list(request.stop)
    return options


def _write_format(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    response_format = request.response_format
    if response_format is None or response_format.kind == "text":
        return {}
    if response_format.kind == "json_schema" and response_format.schema:
        return {"format": response_format.schema}
    if response_format.kind == "json_schema":
        losses.append(Loss("response_format.json_schema", "response_format", "approximated"))
    return {"format": "json"}


_LEVELS: Mapping[str, bool | str] = {"none": False, "minimal": "low", "xhigh": "high"}
"""The levels for efforts that Ollama has no level of the same name for."""


def _write_think(
    request: ChatRequest, kept: Mapping[str, Any], losses: list[Loss]
) -> dict[str, Any]:
    reasoning = request.reasoning
    if reasoning is None:
        return {}
    if "$think" in kept and reasoning == ReasoningRequest(effort=_effort_of(kept["$think"])):
        return {"think": kept["$think"]}
    if reasoning.effort is not None:
        level = _LEVELS.get(reasoning.effort, reasoning.effort)
        if isinstance(level, str) and level != reasoning.effort:
            detail = f"{reasoning.effort!r} as {level!r}"
            losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
        return {"think": level}
    if reasoning.budget_tokens is None:
        return {}
    level = level_of(reasoning.budget_tokens)
    detail = f"{reasoning.budget_tokens} tokens as {level!r}"
    losses.append(Loss("reasoning.budget_tokens", "reasoning", "approximated", detail))
    return {"think": level}


def level_of(budget: int) -> bool | str:
    """The level nearest to a budget of reasoning tokens."""
    if budget <= 0:
        return False
    if budget <= 2048:
        return "low"
    return "medium" if budget <= 8192 else "high"
