"""Upper bounds of what a request can use: cheap for the usual request, safe for any other."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jackfield._media_bounds import lasting, read_body, tokens_of_part, untold
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
from jackfield.rates import in_nano

if TYPE_CHECKING:
    from jackfield.exchange import Exchange
    from jackfield.prices import Schedule

MOST_INPUT: Final = 2_000_000
"""Tokens: the longest context of any model, for a model of which it is not known."""

MOST_OUTPUT: Final = 131_072
"""Tokens: the longest answer of a model of which it is not known."""

MOST: Final = 10**15
"""More tokens, or nano-dollars, than any request uses; stores count to thousands of times that."""

_OVERHEAD: Final = 2048
"""Tokens that a provider adds: its instructions on tools, the marks between messages."""

_ROUNDS: Final = 10
"""How often a provider lets a model call the provider's own tools in one request."""

_CHUNK: Final = 500
"""Bytes: documents of more tokens than this are ranked in parts, each as one document."""

_MODELS_OWN: Final = "additionalModelRequestFields"
_LIMITS: Final = frozenset(
    (
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "max_new_tokens",
        "max_tokens_to_sample",
        "n_predict",
        _MODELS_OWN,
    )
)
"""Names of the limit of an answer in the APIs of one kind or another, and where others may be."""

_COUNTS: Final = ("n", "best_of", "num_generations")
"""Names of the number of answers."""
_LENGTH: Final = re.compile("token|max_gen_len|length", re.IGNORECASE)
"""What names of limits hold among those that Converse hands to a model unread."""

# Their limits on an answer leave out what the model thinks before it.
_THINKS_BESIDES: Final = frozenset({"xai", "dashscope"})

_OWN_TOOLS: Final = ("web_search", "x_search", "file_search", "maps", "code_execution")

_OTHER_TOOLS: Final = (b'"web_search_options"', b'"plugins"', b'"mcp_servers"')
_SEARCHES_UNASKED: Final = re.compile(r"\bcompound\b")
"""Models that call tools of their provider by themselves, such as Groq's `compound`."""

_FREE: Final = frozenset(
    ("count_tokens", "models", "files", "batches", "moderation", "administration")
)
"""Operations that no provider bills; what a batch has used is billed when it has run."""

_SILENT: Final = frozenset({"embeddings", "rerank"})
"""Operations whose answers have no tokens."""


class Bound(msgspec.Struct, frozen=True):
    """The most that a request can use. `nano` is nano-dollars, None when no price is known."""

    input_tokens: int
    output_tokens: int
    nano: int | None = None


NOTHING: Final = Bound(0, 0, 0)
"""The bound of what is not billed."""


class Sizes(msgspec.Struct, frozen=True):
    """The most of each kind that a request can use; `tiers` are those it can be processed in."""

    input_tokens: int
    output_tokens: int
    units: Mapping[str, int] = {}
    tiers: tuple[str, ...] = ("priority",)
    hour_cache: bool = False
    audio: bool = False


def is_billable(exchange: "Exchange") -> bool:
    """Whether a request can be billed at all: what is only looked up was billed before."""
    operation = exchange.endpoint.operation
    if operation == "realtime":
        return True
    return exchange.request.method == "POST" and operation not in _FREE


def asked_output(exchange: "Exchange") -> int | None:
    """How long an answer a request allows, in tokens; None for as long as the model can.

    Servers differ in the name of the limit that they heed, and some take one below 1 for none: of
    several the largest counts.
    """
    asked = exchange.max_tokens
    if asked is None:
        return None
    tree = exchange.tree
    named = [tree[name] for name in _LIMITS.intersection(tree)] if type(tree) is dict else []
    given = [asked, *_limits_in(tree)] if named and named != [asked] else [asked]
    return max(given) if min(given) > 0 else None


def sizes_of(exchange: "Exchange", vendors: Iterable[str], able: Capabilities) -> Sizes:
    """The most that a request can use of a model with these abilities."""
    body, operation = exchange.request.body, exchange.endpoint.operation
    if operation == "rerank":
        return Sizes(_most_input(len(body), able), 0, {"rerank_search": _searches(exchange)})
    if not exchange.dialect.translates:
        return _untold(exchange, able)
    if operation in _SILENT:
        return Sizes(_most_input(len(body) + _OVERHEAD, able), 0)
    limit = _limit(exchange, vendors, able)
    tree = exchange.tree
    if is_plain(tree) and not _searches_unasked(exchange.model or ""):
        return Sizes(_most_input(len(body) + _OVERHEAD, able), limit)
    if type(tree) is dict:
        # What is foretold, and does not come, is billed as if it had.
        limit = (limit + (len(body) if "prediction" in tree else 0)) * _answers(tree)
    try:
        canonical = exchange.canonical()
    except InvalidRequest:  # the provider will say so too, and bill nothing
        canonical = None
    if not isinstance(canonical, ChatRequest):
        return Sizes(_most_input(len(body) + _OVERHEAD, able), limit)
    return _sizes_of_chat(canonical, exchange, limit, able)


def _sizes_of_chat(
    chat: ChatRequest, exchange: "Exchange", limit: int, able: Capabilities
) -> Sizes:
    body, tree = read_body(exchange)
    count, sound = len(exchange.request.body) + _OVERHEAD, 0
    audio = "audio" in chat.modalities or b'"AUDIO"' in body or b'"audio"' in body
    for part in _parts(chat):
        tokens, size = tokens_of_part(part)
        count += tokens - size
        if isinstance(part, Audio):
            audio, sound = True, sound + lasting(size)
    template = type(tree.get("prompt")) is dict  # which OpenAI keeps, with tools of its own
    elsewhere = template or b'"cachedContent"' in body or b'"cached_content"' in body
    if chat.server_state is not None or elsewhere:
        count = MOST_INPUT
    count = _most_input(count, able)
    if "compact" in str(tree.get("context_management")):
        # All is read once more, to be told in fewer words.
        count, limit = count * 2, limit + (able.max_output_tokens or MOST_OUTPUT)
    searches = max(_own_tools(chat, body), _ROUNDS if template else 0)
    if searches:
        # Each round reads all that was said and found before it once more.
        count = _most_input(MOST_INPUT, able) * (searches + 1)
        limit *= searches + 1
    return Sizes(
        count,
        limit,
        {**dict.fromkeys(_OWN_TOOLS, searches), "audio_hour": sound},
        _tiers(chat.service_tier, body),
        b'1h"' in body,
        audio,
    )


def cost_of(sizes: Sizes, schedule: "Schedule") -> int:
    """The most that a request of such a size can cost, under every tariff it can come under."""
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
    asked = asked_output(exchange)
    most = able.max_output_tokens or MOST_OUTPUT
    if asked is None:
        return most
    if not _THINKS_BESIDES.isdisjoint(vendors):
        return asked + most
    return asked


def _limits_in(tree: Mapping[str, Any]) -> Iterator[int]:
    for name in _LIMITS:
        limit = tree.get(name)
        if type(limit) is int:
            yield limit
    unread = [tree.get(_MODELS_OWN)]
    for value in unread:
        if type(value) is dict:
            unread += value.values()
            yield from (n for name, n in value.items() if type(n) is int and _LENGTH.search(name))


def _answers(tree: Mapping[str, Any]) -> int:
    """How many answers are made: several, the best of more, and so many for each prompt."""
    counts = [tree.get(name) for name in _COUNTS]
    for config in (tree.get("generationConfig"), tree.get("generation_config")):
        if type(config) is dict:
            counts += [config.get("candidateCount"), config.get("candidate_count")]
    prompts = tree.get("prompt")
    most = max([1, *(count for count in counts if type(count) is int)])
    if type(prompts) is list and prompts and type(prompts[0]) is not int:  # one prompt, in tokens
        most *= len(prompts)
    return most


def _tiers(asked: str | None, body: bytes) -> tuple[str, ...]:
    """A project may be set to "priority", so that what does not name a tier may come under it."""
    if b'"speed"' in body:
        return ("priority", "fast")
    return ("priority",) if asked in (None, "auto") else (asked,)


def _parts(chat: ChatRequest) -> Iterator[Part]:
    pending: list[Part] = [part for message in chat.messages for part in message.parts]
    while pending:
        part = pending.pop()
        if isinstance(part, ToolResult):
            pending += part.parts
        elif isinstance(part, Image | Audio | Document | Opaque):
            yield part


def _searches_unasked(model: str) -> bool:
    # The first test is a tenth of the work of the second.
    return "compound" in model and _SEARCHES_UNASKED.search(model) is not None


def _own_tools(chat: ChatRequest, body: bytes) -> int:
    """How often the provider's own tools can be called; 0 when there are none."""
    own = [tool.value for tool in chat.tools if isinstance(tool, Opaque)]
    if not own:
        unasked = any(word in body for word in _OTHER_TOOLS)
        return _ROUNDS if unasked or _searches_unasked(chat.model) else 0
    uses = [tool.get("max_uses") for tool in own if isinstance(tool, dict)]
    known = [use for use in uses if type(use) is int and use >= 0]
    return sum(known) if len(known) == len(own) else max(_ROUNDS, sum(known))


def _searches(exchange: "Exchange") -> int:
    """A search ranks a hundred documents; a long one counts as several."""
    body = exchange.request.body
    documents = len(body) // 3
    try:
        request = exchange.canonical() if exchange.dialect.translates else None
    except InvalidRequest:
        request = None
    if isinstance(request, RerankRequest):
        documents = len(request.documents)
    return -(-(documents + len(body) // _CHUNK) // 100) or 1


def _untold(exchange: "Exchange", able: Capabilities) -> Sizes:
    """Sound, images and whatever else is passed through unread."""
    given, units = untold(exchange)
    limit = asked_output(exchange) or able.max_output_tokens or MOST_OUTPUT
    return Sizes(_most_input(given + _OVERHEAD, able), limit * units["image"], units, audio=True)
