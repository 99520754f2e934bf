"""The dialect `bedrock.nova`: Amazon Nova by InvokeModel, with bodies close to Converse's."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UsageMeter,
)
from jackfield.errors import ProviderError
from jackfield.events import StreamEvent
from jackfield.fields import object_fields, own
from jackfield.framing import Framing
from jackfield.messages import ChatRequest, Usage, answer_of, chat_of

from .converse import ConverseDialect
from .converse_members import ADDITIONAL, Tree
from .converse_names import NAME
from .converse_request import model_of, read_request, write_conversation
from .converse_response import write_answer
from .converse_stream_parser import ConverseStreamParser, decode_payload
from .converse_stream_renderer import ConverseStreamRenderer
from .event_stream import decode, encode_event
from .event_stream_framing import CHUNKS, unwrap, wrap
from .failures import failed_event
from .usage import NO_USAGE, EventMeter, read_usage

_VERSION: Final = "messages-v1"
_INFERENCE: Final = "$inferenceConfig"
_NAMES: Final = {
    "max_new_tokens": "maxTokens",
    "max_tokens": "maxTokens",
    "top_p": "topP",
    "stop_sequences": "stopSequences",
}
"""Older names of members of `inferenceConfig`."""


class NovaDialect(ConverseDialect):
    """Nova's own bodies. They share the canonical form and its extensions with Converse."""

    name: ClassVar[str] = "bedrock.nova"
    framing: Framing = CHUNKS
    event_texts: ClassVar[tuple[str, ...]] = (
        "contentBlockDelta/delta/text",
        "contentBlockDelta/delta/reasoningContent/text",
    )
    event_tools: ClassVar[tuple[str, ...]] = ("contentBlockDelta/delta/toolUse/input/**",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b":message-type",)
    stop_marker: ClassVar[bytes] = encode_event(
        "chunk", wrap(b'{"messageStop":{"stopReason":"end_turn"}}')
    ) + encode_event("chunk", wrap(b'{"metadata":{"usage":%b}}' % NO_USAGE))

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        config = object_fields(tree).rest.get("inferenceConfig")
        members = config if isinstance(config, dict) else {}
        found = (members.get(key) for key in ("maxTokens", "max_new_tokens", "max_tokens"))
        tokens = next((number for number in found if type(number) is int), None)
        return Peek(model_of(params), False, tokens)

    def terminal(self, event: bytes) -> Terminal | None:
        message = decode(event)
        if message.is_error:
            return "error"
        return "end" if b'"metadata"' in (unwrap(message.payload) or b"") else None

    def finishes(self, event: bytes) -> bool:
        return b'"messageStop"' in (self.framing.data_of(event) or b"")

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, _usage_of_chunk)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = object_fields(tree)
        note = {"$schemaVersion": fields.rest.pop("schemaVersion", None)}
        raw = fields.rest.get("inferenceConfig")
        if isinstance(raw, dict):
            note[_INFERENCE] = raw
        request = read_request(_as_converse(fields.rest), params)
        kept = own(request.extensions, NAME)
        return replace(request, extensions={NAME: {**kept, **note}})

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat, losses = chat_of(request), list[Loss]()
        wire = _as_nova(write_conversation(chat, losses))
        kept = own(chat.extensions, NAME)
        raw = kept.get(_INFERENCE)
        if raw is not None and _inference(raw) == _inference(wire.get("inferenceConfig") or {}):
            wire["inferenceConfig"] = raw
        version = kept.get("$schemaVersion", _VERSION)
        if version is not None:
            wire["schemaVersion"] = version
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        losses: list[Loss] = []
        answer = answer_of(response)
        wire = write_answer(answer, request.model, losses)
        if "metrics" not in own(answer.extensions, NAME):
            del wire["metrics"]
        return Rendered(msgspec.json.encode(wire), tuple(losses))

    def stream_parser(self) -> StreamParser:
        return NovaStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return ConverseStreamRenderer(_encode_chunk)


class NovaStreamParser:
    """The parser of one stream, whose chunks contain Converse's events by name."""

    def __init__(self) -> None:
        self._events = ConverseStreamParser()

    def feed(self, event: bytes) -> list[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        message = decode(event)
        if message.is_error:
            return self._events.fail(failed_event(message))
        chunk = decode_payload(unwrap(message.payload) or b"")
        found: list[StreamEvent] = []
        for kind, wire in chunk.items():
            if kind.startswith("amazon-bedrock-"):
                continue
            if not isinstance(wire, dict):
                raise ProviderError(f"The provider sent a {kind!r} that is no JSON object.")
            found += self._events.read(kind, wire)
        return found

    def close(self) -> list[StreamEvent]:
        """Nothing is pending: the last event completes the answer."""
        return []


def _encode_chunk(kind: str, payload: bytes) -> bytes:
    return encode_event("chunk", wrap(b'{"%b":%b}' % (kind.encode(), payload)))


def _usage_of_chunk(value: Any) -> Usage | None:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return read_usage(metadata.get("usage")) if isinstance(metadata, dict) else None


def _inference(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {_NAMES.get(key, key): value for key, value in raw.items()}


def _as_converse(wire: Tree) -> Tree:
    """Nova's body in Converse's form."""
    tree = dict(wire)
    config = tree.get("inferenceConfig")
    additional: Tree = {}
    if isinstance(config, dict):
        config = _inference(config)
        top_k = config.pop("topK", config.pop("top_k", None))
        if top_k is not None:
            additional["inferenceConfig"] = {"topK": top_k}
        tree["inferenceConfig"] = config
    if "reasoningConfig" in tree:
        additional["reasoningConfig"] = tree.pop("reasoningConfig")
    return {**tree, ADDITIONAL: additional} if additional else tree


def _as_nova(wire: Tree) -> Tree:
    """Converse's body in Nova's form."""
    additional = dict(wire.pop(ADDITIONAL, None) or {})
    config = wire.pop("inferenceConfig", None) or {}
    more = additional.pop("inferenceConfig", None)
    if isinstance(more, dict):
        config = {**config, **more}
    return {**wire, **({"inferenceConfig": config} if config else {}), **additional}
