"""Parses a Responses request into the canonical form."""

from typing import Any

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, object_fields
from jackfield.messages import (
    ChatRequest,
    Message,
    ReasoningRequest,
    ResponseFormat,
    Text,
)

from .responses_content import JSON, NAME
from .responses_details import read_details
from .responses_items import parse_items
from .responses_tools import parse_tools, take_tool_choice
from .shared_members import IN_RESPONSES

LOGPROBS = "message.output_text.logprobs"
PROOFS = "reasoning.encrypted_content"

_INSTRUCTIONS = {NAME: {"$instructions": True}}


def parse_request(tree: Any) -> ChatRequest:
    """The canonical form. Raises InvalidRequest that names the invalid field."""
    fields = object_fields(tree)
    text = Fields(fields.table("text") or {}, "text")
    thinking = Fields(fields.table("reasoning") or {}, "reasoning")
    includes_logprobs = LOGPROBS in _include(fields)
    messages, tools = _messages(fields), parse_tools(fields.items("tools"))
    return ChatRequest(
        model=fields.text("model") or "",
        messages=messages,
        tools=tools,
        tool_choice=take_tool_choice(fields.rest, tools),
        parallel_tool_calls=fields.flag("parallel_tool_calls"),
        max_tokens=fields.integer("max_output_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        logprobs=includes_logprobs or None,
        top_logprobs=fields.integer("top_logprobs") if includes_logprobs else None,
        response_format=_response_format(text.inner("format")),
        reasoning=_reasoning(thinking),
        stream=fields.flag("stream") or False,
        include_usage=True,
        user=fields.text("user"),
        metadata=fields.table("metadata"),
        service_tier=fields.text("service_tier"),
        store=fields.flag("store"),
        server_state=_server_state(fields),
        extensions={
            **_extensions(fields.rest, text.rest, thinking.rest),
            **read_details(messages, tools),
        },
    )


def _include(fields: Fields) -> list[Any]:
    # A copy: the list itself stays in the extensions.
    return Fields(fields.rest).items("include")


def _messages(fields: Fields) -> tuple[Message, ...]:
    messages = []
    if (instructions := fields.text("instructions")) is not None:
        messages.append(Message("system", (Text(instructions),), extensions=_INSTRUCTIONS))
    content = fields.rest.pop("input", None)
    if isinstance(content, str):
        return (*messages, Message("user", (Text(content),)))
    if isinstance(content, list) and content:
        return (*messages, *parse_items(content, "input"))
    # The question may be in a template, or in earlier turns.
    held = any(fields.rest.get(key) for key in ("prompt", "previous_response_id", "conversation"))
    if content in (None, []) and held:
        return tuple(messages)
    raise InvalidRequest("'input' must be a string or an array of items.", param="input")


def _response_format(form: Fields | None) -> ResponseFormat | None:
    if form is None:
        return None
    kind: Any = form.needed_text("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise form.wrong("type", "text, json_object or json_schema")
    return ResponseFormat(
        kind,
        name=form.text("name"),
        schema=form.table("schema"),
        strict=form.flag("strict"),
        description=form.text("description"),
    )


def _reasoning(fields: Fields) -> ReasoningRequest | None:
    effort = fields.text("effort")
    summary = fields.text("summary") or fields.text("generate_summary")
    return None if effort is None and summary is None else ReasoningRequest(effort, None, summary)


def _server_state(fields: Fields) -> str | None:
    rest = fields.rest
    conversation = rest.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    state = rest.get("previous_response_id") or conversation
    return None if state is None else str(state)


def _extensions(own: JSON, text: JSON, thinking: JSON) -> dict[str, JSON]:
    # Members that chat also has, under chat's names.
    shared = {key: own.pop(key) for key in IN_RESPONSES if own.get(key) is not None}
    if text.get("verbosity") is not None:
        shared["verbosity"] = text.pop("verbosity")
    for key, inner in (("text", text), ("reasoning", thinking)):
        if given := {name: value for name, value in inner.items() if value is not None}:
            own[key] = given
    return {NAME: own, "openai.chat": shared} if shared else {NAME: own}
