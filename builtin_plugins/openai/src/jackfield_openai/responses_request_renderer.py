"""Renders a canonical request as the body of a Responses request."""

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.messages import ChatRequest, Message, ResponseFormat, Text

from .call_ids import shorten_in_responses
from .efforts import effort_for, hides_thoughts, samples
from .foreign_settings import fit_settings, modality_losses
from .losses import foreign_losses
from .responses_content import JSON, NAME, own
from .responses_input import InputItems
from .responses_request import LOGPROBS, PROOFS
from .responses_tools import render_tool_choice, render_tools
from .shared_members import IN_RESPONSES, shared
from .strict_schemas import enforced_format, enforced_tools

CHAT = "openai.chat"
_LEAST_OUTPUT = 16
"""Minimum limit in tokens; OpenAI refuses lower ones here, but not in chat."""

_SAME = (
    ("max_output_tokens", "max_tokens"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_logprobs", "top_logprobs"),
    ("parallel_tool_calls", "parallel_tool_calls"),
    ("user", "user"),
    ("metadata", "metadata"),
    ("service_tier", "service_tier"),
)
_UNKNOWN = (
    ("stop", "stop"),
    ("seed", "seed"),
    ("frequency_penalty", "penalties"),
    ("presence_penalty", "penalties"),
    ("logit_bias", "logit_bias"),
    ("top_k", "top_k"),
)


def render_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent Responses request, and its losses."""
    losses: list[Loss] = []
    body: JSON = {"model": request.model, **_conversation(request, losses)}
    body |= settings(request, losses)
    if request.stream:
        body["stream"] = True
    if request.store is not None:
        body["store"] = request.store
    elif NAME not in request.extensions:
        # The default is true here and false in every other dialect.
        body["store"] = False
    kept = own(request.extensions)
    body |= {key: value for key, value in kept.items() if key not in ("text", "reasoning")}
    included = body.get("include") or []
    if more := [one for one in _needed(request, body, losses) if one not in included]:
        body["include"] = [*included, *more]
    _name_losses(request, losses)
    return Rendered(msgspec.json.encode(body), tuple(losses))


def _needed(request: ChatRequest, body: JSON, losses: list[Loss]) -> list[str]:
    """The additional values of `include`."""
    foreign = NAME not in request.extensions
    needed = [LOGPROBS] if request.logprobs else []
    if needed and foreign and not samples(request.model, body.get("reasoning", {}).get("effort")):
        needed = []
        if not any(loss.feature == "logprobs" for loss in losses):
            detail = "the model shows none while it reasons"
            losses.append(Loss("logprobs", "logprobs", "dropped", detail))
    if foreign and body.get("store") is False and hides_thoughts(request):
        needed.append(PROOFS)  # needed to send the thoughts back
    return needed


def _conversation(request: ChatRequest, losses: list[Loss]) -> JSON:
    body: JSON = {}
    items = InputItems(losses)
    for index, message in enumerate(request.messages):
        if _is_instructions(message):
            body["instructions"] = _joined(message)
        else:
            items.add(message, f"messages[{index}]")
    content = items.close()
    if NAME not in request.extensions:
        shorten_in_responses(content)
    if content or "prompt" not in own(request.extensions):
        body["input"] = content
    return body


def instructions_of(request: ChatRequest) -> str | None:
    """The `instructions`, which only Responses requests have."""
    return next((_joined(m) for m in request.messages if _is_instructions(m)), None)


def _is_instructions(message: Message) -> bool:
    return "$instructions" in message.extensions.get(NAME, ())


def _joined(message: Message) -> str:
    return "".join(part.text for part in message.parts if isinstance(part, Text))


def settings(request: ChatRequest, losses: list[Loss]) -> JSON:
    """The members that a response repeats: tools, limits, sampling, format and reasoning."""
    body: JSON = {}
    if request.tools:
        body["tools"] = render_tools(enforced_tools(request, losses), losses)
    if "tool_choice" in own(request.extensions):
        body["tool_choice"] = own(request.extensions)["tool_choice"]
    elif request.tool_choice is not None:
        body["tool_choice"] = render_tool_choice(request.tool_choice, request.tools)
    for member, attribute in _SAME:
        if (value := getattr(request, attribute)) is not None:
            body[member] = value
    if text := _text(request, losses):
        body["text"] = text
    if reasoning := _reasoning(request, losses):
        body["reasoning"] = reasoning
    if NAME not in request.extensions:
        fit_settings(body, request.model, losses)
        if 0 < body.get("max_output_tokens", _LEAST_OUTPUT) < _LEAST_OUTPUT:
            detail = f"{body['max_output_tokens']} as {_LEAST_OUTPUT}, which is the least"
            body["max_output_tokens"] = _LEAST_OUTPUT
            losses.append(Loss("max_tokens", "max_tokens", "approximated", detail))
    return body | shared(request.extensions, IN_RESPONSES)


def _text(request: ChatRequest, losses: list[Loss]) -> JSON:
    text: JSON = {}
    verbosity = request.extensions.get(CHAT, {}).get("verbosity")
    if verbosity is not None:
        text["verbosity"] = verbosity
    form = enforced_format(request, losses)
    if form is not None:
        text["format"] = _format(form)
    return {**text, **(own(request.extensions).get("text") or {})}


def _format(form: ResponseFormat) -> JSON:
    body: JSON = {"type": form.kind}
    if form.kind != "json_schema":
        return body
    body |= {"name": form.name or "response", "schema": form.schema or {}}
    if form.strict is not None:
        body["strict"] = form.strict
    if form.description is not None:
        body["description"] = form.description
    return body


def _reasoning(request: ChatRequest, losses: list[Loss]) -> JSON:
    body: JSON = {**(own(request.extensions).get("reasoning") or {})}
    reasoning = request.reasoning
    if reasoning is None:
        return body
    effort = reasoning.effort if NAME in request.extensions else effort_for(request, losses)
    if effort is not None:
        body["effort"] = effort
    if reasoning.summary is not None:
        body["summary"] = reasoning.summary
    return body


def _name_losses(request: ChatRequest, losses: list[Loss]) -> None:
    for name, feature in _UNKNOWN:
        value = getattr(request, name)
        if value not in (None, (), {}) and (value or feature != "penalties"):
            losses.append(Loss(feature, name, "dropped"))
    if request.n is not None and request.n > 1:
        losses.append(Loss("n", "n", "dropped", "one answer instead of several"))
    losses += modality_losses(request.modalities)
    losses += foreign_losses(request, NAME, (*IN_RESPONSES, "verbosity"))
