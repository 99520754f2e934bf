"""Upper bounds of the usage of a request: fast for common requests, safe for all others."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from attrs import evolve

from jackfield._media_bounds import IMAGE, lasting, read_body, tokens_of_part, unread
from jackfield._plain_request import is_plain
from jackfield.capabilities import Capabilities
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Opaque,
    Part,
    RerankRequest,
    ToolResult,
)
from jackfield.rates import IMAGE_TOOL, in_nano
from jackfield.strict_json import number_in

if TYPE_CHECKING:
    from jackfield.exchange import Exchange
    from jackfield.prices import Schedule

MOST_INPUT: Final = 2_000_000
"""Tokens: the longest context of any model, for models whose context is unknown."""

MOST_OUTPUT: Final = 131_072
"""Tokens: the longest answer of models whose maximum is unknown."""

MOST: Final = 10**15
"""More tokens or nano-dollars than any request uses; stores can count thousands of times that."""

_OVERHEAD: Final = 2048
"""Tokens that a provider adds: instructions for tools, separators between messages."""

_ROUNDS: Final = 10
"""How often a model may call the provider's own tools in one request."""

_CHUNK: Final = 500
"""Bytes: longer documents are ranked in parts, each billed as a document."""

_MODELS_OWN: Final = "additionalModelRequestFields"
_LIMITS: Final = frozenset(
    (
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens"),
        *("max_tokens_to_sample", "n_predict", _MODELS_OWN),
    )
)
"""Names of the output limit in various APIs, and a member that may contain others."""

_BETAS: Final = frozenset(("anthropic_beta", _MODELS_OWN))
"""Members that may contain names of Anthropic's betas, which Claude also has as a header."""

_LONG_CONTEXT: Final = "context-1m"
"""A beta that extends the context of some models beyond what is known of them."""

_COUNTS: Final = ("n", "best_of", "num_generations")
"""Names of the number of answers."""
_LENGTH: Final = re.compile("token|max_gen_len|length", re.IGNORECASE)
"""Matches names of limits among the fields that Converse passes to a model unread."""

# Their output limits do not include reasoning.
_THINKS_BESIDES: Final = frozenset({"xai", "dashscope"})

_OWN_TOOLS: Final = ("web_search", "x_search", "file_search", "maps", "code_execution")

_LARGEST_CONTAINER: Final = 64
"""Gigabytes of memory that code may be given by OpenAI, which bills each."""

_OTHER_TOOLS: Final = (b'"web_search_options"', b'"plugins"', b'"mcp_servers"')
_SEARCHES_UNASKED: Final = re.compile(r"\bcompound\b")
"""Models that use their provider's tools without being asked, such as Groq's `compound`.

Another is OpenAI's `gpt-5-search-api`; its earlier ones read what they find for free.
"""

_FREE: Final = frozenset(
    ("count_tokens", "models", "files", "batches", "moderation", "administration")
)
"""Operations that no provider bills; batches are billed once they have run."""

_CONTENT: Final = frozenset(("content", "encrypted_content", "arguments", "call_id", "result"))
"""Members of items of the Responses API; an item that only has an id refers to a stored one."""


class Bound(msgspec.Struct, frozen=True):
    """The maximum usage of a request. `nano` is in nano-dollars, None if there is no price."""

    input_tokens: int
    output_tokens: int
    nano: int | None = None


NOTHING: Final = Bound(0, 0, 0)
"""The bound of a request that is not billed."""


class Sizes(msgspec.Struct, frozen=True):
    """The maximum usage of a request by kind; `tiers` are the service tiers that may apply.

    `images` are those that a tool may make, which another model bills: its name, and how many.
    """

    input_tokens: int
    output_tokens: int
    units: Mapping[str, int] = {}
    tiers: tuple[str, ...] = ("priority",)
    hour_cache: bool = False
    audio: bool = False
    images: tuple[str, int] | None = None


def is_billable(exchange: "Exchange") -> bool:
    """Whether a request can be billed at all. Reading what was created earlier is not."""
    operation = exchange.endpoint.operation
    if operation == "realtime":
        return True
    return exchange.request.method == "POST" and operation not in _FREE


def requested_output(exchange: "Exchange") -> int | None:
    """The output limit that a request sets, in tokens; None if there is no limit.

    Servers read different names for it, and some ignore a limit below 1. The largest of several
    counts.
    """
    requested = exchange.max_tokens
    if requested is None:
        return None
    tree = exchange.tree
    named = [tree[name] for name in _LIMITS.intersection(tree)] if type(tree) is dict else []
    given = [requested, *_limits_in(tree)] if named and named != [requested] else [requested]
    return max(given) if min(given) > 0 else None


def sizes_of(exchange: "Exchange", vendors: Iterable[str], able: Capabilities) -> Sizes:
    """The maximum usage of a request to a model with these capabilities."""
    body, operation = exchange.request.body, exchange.endpoint.operation
    if operation == "rerank":
        return _sizes_of_ranking(exchange)
    if not exchange.dialect.translates:
        return _unread(exchange, able)
    if operation == "embeddings":  # the context is that of each of many inputs
        images = max(body.count(b'"image_url"'), body.count(b";base64,"))
        return Sizes(len(body) + _OVERHEAD + images * IMAGE, 0)
    limit = _limit(exchange, vendors, able)
    tree = exchange.tree
    if _is_extended(exchange, tree):
        able = evolve(able, context_tokens=None)
    stored = _is_stored(tree, exchange.model or "")
    if is_plain(tree) and not (stored or _searches_unasked(exchange.model or "")):
        return Sizes(_most_input(len(body) + _OVERHEAD, able), limit)
    if type(tree) is dict:
        # Predicted tokens that are rejected are billed as output.
        limit = (limit + (len(body) if "prediction" in tree else 0)) * _answers(tree)
    try:
        canonical = exchange.canonical()
    except InvalidRequest:  # the provider will refuse it too, or has the rest of it stored
        canonical = None
    if not isinstance(canonical, ChatRequest):
        given = MOST_INPUT if stored else len(body) + _OVERHEAD
        return Sizes(_most_input(given, able), limit)
    return _sizes_of_chat(canonical, exchange, limit, able, stored=stored)


def _sizes_of_chat(
    chat: ChatRequest, exchange: "Exchange", limit: int, able: Capabilities, *, stored: bool
) -> Sizes:
    body, tree = read_body(exchange)
    count, sound = len(exchange.request.body) + _OVERHEAD, 0
    audio = "audio" in chat.modalities or b'"AUDIO"' in body or b'"audio"' in body
    for part in _parts(chat):
        tokens, size = tokens_of_part(part)
        count += tokens - size
        audio = audio or not _is_silent(part)
        if isinstance(part, Audio):
            sound += lasting(size)
    template = type(tree.get("prompt")) is dict  # stored at OpenAI, possibly with tools
    stored = stored or template or b'"cachedContent"' in body or b'"cached_content"' in body
    if chat.server_state is not None or stored:
        count, audio = MOST_INPUT, True
    count = _most_input(count, able)
    if "compact" in str(tree.get("context_management")):
        # Everything is read once more to be summarized.
        count, limit = count * 2, limit + (able.max_output_tokens or MOST_OUTPUT)
    searches = max(_own_tools(chat, body, tree.get("max_tool_calls")), _ROUNDS * template)
    units = dict.fromkeys(_OWN_TOOLS, searches) | {"audio_hour": sound}
    if searches:
        # Each round reads all earlier messages and results again.
        count = _most_input(MOST_INPUT, able) * (searches + 1)
        limit *= searches + 1
        units["web_search_preview"] = searches if b'"web_search_preview' in body else 0
        units["code_execution"] *= _LARGEST_CONTAINER if b'"memory_limit"' in body else 1
    images = _image_model(chat, template=template) if searches else None
    tiers, painted = _tiers(chat.service_tier, body), (images, searches) if images else None
    return Sizes(count, limit, units, tiers, b'1h"' in body, audio, painted)


def cost_of(sizes: Sizes, schedule: "Schedule") -> int:
    """The maximum cost of a request of this size, under every tariff that may apply."""
    most = 0
    given, made = sizes.input_tokens, sizes.output_tokens
    worst = schedule.worst(sizes.tiers, sizes.hour_cache, sizes.audio)
    for above, for_given, for_made, base, tariff in worst:
        if given > above:
            total = given * for_given + made * for_made + base
            if sizes.units:
                total += tariff.sum_of(sizes.units)
            most = max(most, total)
    return in_nano(most)


def _most_input(count: int, able: Capabilities) -> int:
    return min(count, able.context_tokens or MOST_INPUT)


def _limit(exchange: "Exchange", vendors: Iterable[str], able: Capabilities) -> int:
    requested = requested_output(exchange)
    most = able.max_output_tokens or MOST_OUTPUT
    if requested is None:
        return most
    if not _THINKS_BESIDES.isdisjoint(vendors):
        return requested + most
    return requested


def _limits_in(tree: Mapping[str, Any]) -> Iterator[int]:
    for name in _LIMITS:
        if (limit := number_in(tree.get(name))) is not None:
            yield limit
    values = [tree.get(_MODELS_OWN)]
    for value in values:
        if type(value) is dict:
            values += value.values()
            found = [number_in(n) for name, n in value.items() if _LENGTH.search(name)]
            yield from [n for n in found if n is not None]


def _answers(tree: Mapping[str, Any]) -> int:
    """How many answers are generated: `n` or the best of more, for each prompt."""
    counts = [tree.get(name) for name in _COUNTS]
    for config in (tree.get("generationConfig"), tree.get("generation_config")):
        if type(config) is dict:
            counts += [config.get("candidateCount"), config.get("candidate_count")]
    prompts = tree.get("prompt")
    most = max([1, *(number_in(n) or 1 for n in counts)])
    if type(prompts) is list and prompts and type(prompts[0]) is not int:  # one prompt, in tokens
        most *= len(prompts)
    return most


def _tiers(tier: str | None, body: bytes) -> tuple[str, ...]:
    """The tiers that may apply: a project's default may be "priority"."""
    if b'"speed"' in body:
        return ("priority", "fast")
    # Gemini's name for one may be SERVICE_TIER_PRIORITY.
    return ("priority",) if tier in (None, "auto") else (tier, tier.lower().rpartition("_")[2])


def _parts(chat: ChatRequest) -> Iterator[Part]:
    pending: list[Part] = [part for message in chat.messages for part in message.parts]
    while pending:
        part = pending.pop()
        if isinstance(part, ToolResult):
            pending += part.parts
        elif isinstance(part, Image | Audio | Document | Opaque):
            yield part


def _is_extended(exchange: "Exchange", tree: Any) -> bool:
    """Whether a request asks for a longer context than the model has without a beta."""
    betas = exchange.request.headers.get("anthropic-beta", "")
    if type(tree) is dict and not _BETAS.isdisjoint(tree):
        betas = f"{betas} {[tree.get(name) for name in _BETAS]}"
    return _LONG_CONTEXT in betas


def _is_silent(part: Part) -> bool:
    media = getattr(part, "media_type", None) or ""
    return isinstance(part, Image) or media.startswith(("text/", "application/"))


def _is_stored(tree: Any, model: str) -> bool:
    """Whether a request refers to a prompt or to earlier items that are stored at the provider."""
    items = tree.get("input") if type(tree) is dict else None
    return ":prompt/" in model or (type(items) is list and any(map(_is_reference, items)))


def _is_reference(item: Any) -> bool:
    return type(item) is dict and "id" in item and _CONTENT.isdisjoint(item)


def _searches_unasked(model: str) -> bool:
    # The first tests take a tenth of the time of the last.
    return "search-api" in model or ("compound" in model and bool(_SEARCHES_UNASKED.search(model)))


def _own_tools(chat: ChatRequest, body: bytes, limit: Any) -> int:
    """How often the provider's own tools may be called; 0 without such tools.

    A `limit` on all calls may allow more than usual; not all providers know it.
    """
    own = [tool.value for tool in chat.tools if isinstance(tool, Opaque)]
    uses = [tool.get("max_uses") for tool in own if isinstance(tool, dict)]
    known = [use for use in uses if type(use) is int and use >= 0]
    unasked = any(word in body for word in _OTHER_TOOLS) or _searches_unasked(chat.model)
    most = max(_ROUNDS, sum(known), limit if type(limit) is int else 0)
    return most if unasked or len(known) < len(own) else sum(known)


def _image_model(chat: ChatRequest, *, template: bool) -> str | None:
    """The model of OpenAI's tool for images, which a stored prompt may have too."""
    own = [tool.value for tool in chat.tools if isinstance(tool, Opaque)]
    tools = [tool for tool in own if type(tool) is dict and tool.get("type") == "image_generation"]
    names = (str(tool.get("model") or IMAGE_TOOL) for tool in tools)
    return next(names, IMAGE_TOOL if template else None)


def _sizes_of_ranking(exchange: "Exchange") -> Sizes:
    """The searches: one per hundred documents; a long document counts as several.

    Where tokens are billed, those of the query are billed with each document.
    """
    body = exchange.request.body
    documents, tokens = len(body) // 3, max(len(body), MOST_INPUT)
    try:
        request = exchange.canonical() if exchange.dialect.translates else None
    except InvalidRequest:
        request = None
    if isinstance(request, RerankRequest):
        documents = len(request.documents)
        tokens = len(body) + len(request.query.encode()) * documents + _OVERHEAD
    searches = -(-(documents + len(body) // _CHUNK) // 100) or 1
    return Sizes(tokens, 0, {"rerank_search": searches})


def _unread(exchange: "Exchange", able: Capabilities) -> Sizes:
    """Audio, images and everything else that is passed through unread."""
    count, units = unread(exchange)
    limit = requested_output(exchange) or able.max_output_tokens or MOST_OUTPUT
    if not able.gives("embedding"):  # whose context is that of each of many inputs
        count = _most_input(count + _OVERHEAD, able)
    return Sizes(count, limit * units["image"], units, audio=True)
