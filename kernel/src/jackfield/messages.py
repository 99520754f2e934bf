"""The canonical messages: what dialects parse into and render from.

Names follow common usage: a chat request contains messages, a message contains parts. What only one
vendor knows is kept in `extensions[dialect name]` and comes back out when that dialect is rendered
again. All classes are frozen; `msgspec.structs.replace` makes changed copies.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Extensions = Mapping[str, Mapping[str, Any]]
Role = Literal["system", "developer", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "error", "other"]


class Citation(msgspec.Struct, frozen=True):
    """The source of a span of text; offsets count characters of the part's text."""

    url: str | None = None
    title: str | None = None
    cited_text: str | None = None
    start: int | None = None
    end: int | None = None
    extensions: Extensions = {}


class Text(msgspec.Struct, frozen=True):
    """Plain text."""

    text: str
    citations: tuple[Citation, ...] = ()
    extensions: Extensions = {}


class Image(msgspec.Struct, frozen=True):
    """An image by URL, by base64 `data` with its `media_type`, or by a vendor's `file_id`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    detail: str | None = None
    extensions: Extensions = {}


class Audio(msgspec.Struct, frozen=True):
    """Audio as base64 `data` in `format` ("wav", "mp3"), or that of an earlier answer by `id`."""

    data: str | None = None
    format: str | None = None
    id: str | None = None
    transcript: str | None = None
    expires_at: int | None = None
    extensions: Extensions = {}


class Document(msgspec.Struct, frozen=True):
    """A file for the model to read: by URL, base64 `data`, plain `text` or a vendor's `file_id`."""

    url: str | None = None
    data: str | None = None
    text: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    name: str | None = None
    extensions: Extensions = {}


class ToolCall(msgspec.Struct, frozen=True):
    """The model calls a tool. `arguments` is what the model wrote, JSON for functions."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    extensions: Extensions = {}


class ToolResult(msgspec.Struct, frozen=True):
    """A tool's answer to the call with `tool_call_id`."""

    tool_call_id: str
    parts: "tuple[Part, ...]"
    name: str | None = None
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    extensions: Extensions = {}


class Reasoning(msgspec.Struct, frozen=True):
    """The model's reasoning; `signature` and `encrypted` prove it to the vendor that issued them.

    `summary` says that `text` is the vendor's summary of the reasoning, not the reasoning itself.
    """

    text: str = ""
    id: str | None = None
    signature: str | None = None
    encrypted: str | None = None
    summary: bool = False
    extensions: Extensions = {}


class Refusal(msgspec.Struct, frozen=True):
    """The model declined, in its words."""

    text: str
    extensions: Extensions = {}


class Opaque(msgspec.Struct, frozen=True):
    """A block, item or tool that only `dialect` understands, kept as its JSON value."""

    dialect: str
    kind: str
    value: Any


Part = Text | Image | Audio | Document | ToolCall | ToolResult | Reasoning | Refusal | Opaque


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    id: str | None = None
    extensions: Extensions = {}


class Tool(msgspec.Struct, frozen=True):
    """A tool that the model may call; `parameters` is a JSON schema.

    `input_format` restricts the input of a custom tool: `{"type": "text"}` or `{"type": "grammar",
    "syntax": "lark" | "regex", "definition": ...}`.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, Any] | None = None
    strict: bool | None = None
    kind: Literal["function", "custom"] = "function"
    input_format: Mapping[str, Any] | None = None
    extensions: Extensions = {}


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether the model must call a tool; `names` limits the choice."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()
    extensions: Extensions = {}


class ResponseFormat(msgspec.Struct, frozen=True):
    """The format requested for the text: free, any JSON object, or JSON for a schema."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: Mapping[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class ReasoningRequest(msgspec.Struct, frozen=True):
    """How much to reason: `effort` ("low", …) or `budget_tokens`; `summary` asks to see it."""

    effort: str | None = None
    budget_tokens: int | None = None
    summary: str | None = None


class ChatRequest(msgspec.Struct, frozen=True):
    """A request for the next message of a conversation. `None` means the vendor's default.

    `server_state` names earlier turns that only the provider has: `messages` lacks their text.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | Opaque, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    n: int | None = None
    response_format: ResponseFormat | None = None
    reasoning: ReasoningRequest | None = None
    modalities: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    user: str | None = None
    metadata: Mapping[str, Any] | None = None
    service_tier: str | None = None
    store: bool | None = None
    extensions: Extensions = {}
    server_state: str | None = None


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one exchange, and what else is billed for it.

    `input_tokens` includes cached tokens and cache writes, `output_tokens` includes reasoning; both
    include audio and images. (OpenTelemetry: `gen_ai.usage.*`.)

    `cache_write_1h_tokens` are the cache writes that are kept for an hour; `cached_audio_tokens`
    and `cached_image_tokens` are included both in the cached tokens and in those of their kind.

    `units` counts what is billed besides tokens, by the names in `jackfield.rates`. `service_tier`
    is the tier that the provider reports, and `cost` what it says that it charges, in nano-dollars.
    `bills` is what is billed if that differs from what is counted here.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    extensions: Extensions = {}
    cache_write_1h_tokens: int = 0
    cached_audio_tokens: int = 0
    image_input_tokens: int = 0
    image_output_tokens: int = 0
    cached_image_tokens: int = 0
    units: Mapping[str, int] = {}
    service_tier: str | None = None
    cost: int | None = None
    bills: "tuple[Bill, ...]" = ()

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


class Bill(msgspec.Struct, frozen=True):
    """What is billed at a model's rates; None is the requested model."""

    usage: Usage
    model: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One candidate answer. `finish_detail` is the vendor's own name for the reason."""

    message: Message
    finish_reason: FinishReason | None
    finish_detail: str | None = None
    logprobs: Any = None
    extensions: Extensions = {}


class ChatResponse(msgspec.Struct, frozen=True):
    """The answer to a ChatRequest; `created` is in Unix seconds."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    extensions: Extensions = {}


class EmbeddingsRequest(msgspec.Struct, frozen=True):
    """A request for vectors; an input is text or token ids.

    `input_type` says what the vectors are for: "query", "document", or a vendor's own value.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding_format: Literal["float", "base64"] | None = None
    input_type: str | None = None
    user: str | None = None
    extensions: Extensions = {}


class EmbeddingsResponse(msgspec.Struct, frozen=True):
    """Vectors in the order of the inputs."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    usage: Usage | None = None
    extensions: Extensions = {}


class RerankRequest(msgspec.Struct, frozen=True):
    """A request to rank documents by relevance to a query; a document is text or fields."""

    model: str
    query: str
    documents: tuple[str | Mapping[str, Any], ...]
    top_n: int | None = None
    return_documents: bool | None = None
    extensions: Extensions = {}


class RankedDocument(msgspec.Struct, frozen=True):
    """The document at `index` of the request, and its score; higher is better."""

    index: int
    score: float
    document: str | Mapping[str, Any] | None = None


class RerankResponse(msgspec.Struct, frozen=True):
    """The best documents, in descending order."""

    model: str
    results: tuple[RankedDocument, ...]
    usage: Usage | None = None
    id: str | None = None
    extensions: Extensions = {}


class TokenCount(msgspec.Struct, frozen=True):
    """How many input tokens a conversation has."""

    input_tokens: int
    extensions: Extensions = {}


def chat_of(request: object) -> ChatRequest:
    """The request as a chat request. Raises TypeError if it is another one."""
    if not isinstance(request, ChatRequest):
        raise TypeError("the request is not one for a chat")
    return request


def answer_of(response: object) -> ChatResponse:
    """The response as a chat response. Raises TypeError if it is another one."""
    if not isinstance(response, ChatResponse):
        raise TypeError("a client that chats gets a ChatResponse")
    return response
