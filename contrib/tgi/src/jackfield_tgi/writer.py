"""Writes canonical requests in TGI's form, and reports their losses."""

from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.losses import lost_member
from jackfield.messages import ChatRequest, ResponseFormat

from .prompt import prompt_of
from .wire import NAME

# The default limit of the server.
_MOST_TOP_TOKENS = 5

_UNKNOWN = (
    "parallel_tool_calls",
    "presence_penalty",
    "logit_bias",
    "reasoning",
    "user",
    "metadata",
    "service_tier",
    "store",
)


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent request, and its losses."""
    losses = _losses_of(request)
    inputs = prompt_of(request.messages, losses)
    parameters: dict[str, Any] = {
        # Explicit, because the default is 100, while null means no limit.
        "max_new_tokens": request.max_tokens,
        "details": True,
        "return_full_text": False,
    }
    _add_sampling(parameters, request, losses)
    _add_output(parameters, request, losses)
    parameters.update(request.extensions.get(NAME, {}))
    body = {"inputs": inputs, "parameters": parameters}
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _add_sampling(parameters: dict[str, Any], request: ChatRequest, losses: list[Loss]) -> None:
    """Add sampling settings. TGI refuses a temperature or top_p of 0, and a top_p of 1."""
    if request.temperature == 0 or request.top_p == 0:
        parameters["do_sample"] = False
    else:
        if request.temperature is not None:
            parameters |= {"do_sample": True, "temperature": request.temperature}
        if request.top_p is not None and request.top_p < 1:
            parameters["top_p"] = request.top_p
        if request.top_k:
            parameters["top_k"] = request.top_k
    for name in ("seed", "frequency_penalty"):
        value = getattr(request, name)
        if value is not None:
            parameters[name] = value
    if request.stop:
        parameters["stop"] = list(request.stop)
        detail = "the answer includes the stop sequence"
        losses.append(Loss("stop", "stop", "approximated", detail))


def _add_output(parameters: dict[str, Any], request: ChatRequest, losses: list[Loss]) -> None:
    if request.logprobs:
        wanted = request.top_logprobs or 1
        parameters["top_n_tokens"] = min(wanted, _MOST_TOP_TOKENS)
        if wanted > _MOST_TOP_TOKENS:
            detail = f"{_MOST_TOP_TOKENS} in place of {wanted}"
            losses.append(Loss("top_logprobs", "top_logprobs", "approximated", detail))
    schema = _schema_of(request.response_format, losses)
    if schema is not None:
        parameters["grammar"] = {"type": "json", "value": schema}


def _schema_of(form: ResponseFormat | None, losses: list[Loss]) -> Any:
    if form is None or form.kind == "text":
        return None
    if form.schema is not None:
        return form.schema
    detail = "as the schema of any object"
    losses.append(Loss("response_format.json_object", "response_format", "approximated", detail))
    return {"type": "object"}


def _losses_of(request: ChatRequest) -> list[Loss]:
    losses = [
        Loss(name, name, "dropped") for name in _UNKNOWN if getattr(request, name) is not None
    ]
    mode = request.tool_choice.mode if request.tool_choice else "auto"
    if request.tools and mode != "none":
        detail = "the native API has no tools"
        losses.append(Loss("tools", "tools", "dropped", detail, breaks=mode == "required"))
    if request.n is not None and request.n > 1:
        losses.append(Loss("n", "n", "dropped", "one answer instead of several"))
    if any(one != "text" for one in request.modalities):
        losses.append(Loss("modalities", "modalities", "dropped", "the model only answers in text"))
    if request.server_state is not None:
        detail = "the text of earlier turns is missing"
        losses.append(
            Loss("conversation.server_state", "server_state", "dropped", detail, breaks=True)
        )
    losses += [
        lost_member(dialect, key, value)
        for dialect, fields in request.extensions.items()
        if dialect != NAME
        for key, value in fields.items()
    ]
    return losses
