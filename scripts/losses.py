"""Tests which features each installed dialect can carry, with one probe per feature."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import msgspec
from attrs import frozen
from msgspec.structs import replace

from jackfield.dialects import GROUP, Dialect, Loss, installed
from jackfield.errors import GatewayError
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    ReasoningRequest,
    Refusal,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

INTRODUCTION = """\
What happens to each feature of a request when it is translated into each dialect. `make docs`
determines this: for each feature it renders a small conversation in every dialect, collects the
reported losses, and parses the result to see what is still there.

**yes**: carried unchanged. **≈**: expressed in another way, see the note below the table. **no**:
lost, and reported; `on_loss` decides what happens to such a request. **refused**: dropping it would
change the question, so the request is refused whatever `on_loss` says. Requests that are passed
through, not translated, lose nothing. For the abilities of single models see [models](models.md).
"""
MODELS = {
    "anthropic.messages": "claude-sonnet-4-5",
    "bedrock.converse": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gemini.generate_content": "gemini-2.5-flash",
}
"""The models to ask for, in dialects where the model matters."""

UNSAID = ("name", "strict", "description", "extensions")
KEPT = (
    *("text", "url", "data", "media_type", "file_id"),
    *("format", "arguments", "is_error", "signature"),
)
MOST_SHOWN = 90
UNNAMED = "lost without being reported"
DATA = "iVBORw0KGgo="
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CALL = ToolCall("call_1", "weather", '{"city":"Bonn"}')
RESULT = ToolResult("call_1", (Text("Rain"),), name="weather")
PART = Text("Hi")
ASKED = Message("user", (PART,))
BASE = ChatRequest("m", (ASKED,), max_tokens=8192)
TOOLS = replace(BASE, tools=(WEATHER,))
LOOP = replace(TOOLS, messages=(ASKED, Message("assistant", (CALL,)), Message("tool", (RESULT,))))


@frozen(eq=False)
class Probe:
    """A feature, a request with it, the same request without it, and how to find it afterwards.

    If the feature is not found but its `words` are, they were sent in another place.
    """

    feature: str
    request: ChatRequest
    without: ChatRequest
    seen: Callable[[ChatRequest], Any]
    words: bytes | None = None


@frozen
class Finding:
    """The result for one feature in one dialect."""

    mark: str
    notes: tuple[str, ...] = ()


MEMBERS = """\
What a provider's answer says and the client's dialect has no place for is named too, as the
dialect and the member: `anthropic.messages.container`. Some members are not named, because they
have a canonical form, repeat the request, or only identify or time an answer. With a value behind
it, a member is not named if it has that value.
"""


def page() -> Iterator[str]:
    """The page: tables, each with notes on its approximations and losses."""
    dialects = {name: one for name, one in chats().items() if one.canonical == "chat"}
    yield from ("# Losses", INTRODUCTION)
    for title, probes in PROBES.items():
        found = {one: [finding(one, *pair) for pair in dialects.items()] for one in probes}
        yield f"## {title}"
        rows = [[one.feature, *(f.mark for f in findings)] for one, findings in found.items()]
        yield table(["", *(f"`{name}`" for name in dialects)], rows)
        yield from notes(found, list(dialects))
    yield from ("## Answers", MEMBERS)
    rows = [[f"`{name}`", ", ".join(incidental(one))] for name, one in dialects.items()]
    yield table(["answers of", "not named"], rows)


def incidental(dialect: Dialect) -> list[str]:
    """The members of a dialect's answers that are not missed, with their usual values."""
    named = [one if isinstance(one, str) else f"{one[0]}: {one[1]}" for one in dialect.incidental]
    return [f"`{one}`" for one in sorted(named)]


def chats() -> dict[str, Dialect]:
    """The chat dialects of the installed plugins, without variants."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    found = {point.name: installed(point.name) for point in points if "@" not in point.name}
    return {
        name: one
        for name, one in found.items()
        if one.translates and one.operation == "chat" and one.name == name
    }


def finding(probe: Probe, name: str, dialect: Dialect) -> Finding:
    """Render the probe, and find what is reported as lost and what is still there."""
    model = MODELS.get(name, "m")
    try:
        rendered = dialect.render_request(replace(probe.request, model=model))
        usual = dialect.render_request(replace(probe.without, model=model)).losses
    except GatewayError as error:
        return Finding("refused", (error.message,))
    known = {loss.feature for loss in usual}
    losses = [loss for loss in rendered.losses if loss.feature not in known]
    if losses:
        return Finding(mark_of(losses), tuple(dict.fromkeys(map(note_of, losses))))
    back = dialect.parse_request(msgspec.json.decode(rendered.body), {"model": model})
    seen = probe.seen(back) if isinstance(back, ChatRequest) else None
    if seen == probe.seen(probe.request):
        return Finding("yes")
    if seen:
        return Finding("≈", (f"parsed again: {shown(seen)}",))
    if probe.words and probe.words in rendered.body:
        return Finding("≈", ("sent as text",))
    # What it depends on may already be reported as lost.
    losses = [*(rendered.losses or usual)]
    named = tuple(dict.fromkeys(map(note_of, losses)))
    return Finding(mark_of(losses), named) if losses else Finding("no", (UNNAMED,))


def shown(value: Any) -> str:
    """A value, abbreviated."""
    text = msgspec.json.encode(value).decode()
    return f"`{text}`" if len(text) <= MOST_SHOWN else f"`{text[:MOST_SHOWN]}…`"


def mark_of(losses: Sequence[Loss]) -> str:
    """The mark for the worst of the losses."""
    if any(loss.breaks for loss in losses):
        return "refused"
    return "no" if any(loss.how == "dropped" for loss in losses) else "≈"


def note_of(loss: Loss) -> str:
    """A loss in one line."""
    return f"`{loss.feature}` {loss.how}" + (f": {loss.detail}" if loss.detail else "")


def notes(found: dict[Probe, list[Finding]], names: Sequence[str]) -> Iterator[str]:
    """A list of all notes on a table."""
    said: dict[tuple[str, str], list[str]] = {}
    for probe, findings in found.items():
        for name, one in zip(names, findings, strict=True):
            for note in one.notes:
                said.setdefault((probe.feature, note), []).append(f"`{name}`")
    if said:
        yield "\n".join(
            f"- {feature}, {', '.join(where)}: {note}" for (feature, note), where in said.items()
        )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def setting(feature: str, member: str, value: Any, base: ChatRequest = BASE) -> Probe:
    """A probe for one member of the request."""
    changed = replace(base, **{member: value})
    return Probe(feature, changed, base, lambda request: plain(getattr(request, member)))


def plain(value: Any) -> Any:
    """A value as JSON, without extensions and members that few vendors have."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    members = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    hidden = UNSAID if isinstance(value, ResponseFormat) else ("extensions",)
    return {name: m for name, m in members.items() if m is not None and name not in hidden}


def content(feature: str, part: Part, role: Any = "user") -> Probe:
    """A probe for a part of a message."""
    said = Message(role, (part,)) if role == "assistant" else replace(ASKED, parts=(PART, part))
    messages = (ASKED, said, ASKED) if role == "assistant" else (said,)
    words = getattr(part, "text", None)
    request = replace(BASE, messages=messages)
    seen = partial(facts, kind=type(part))
    return Probe(feature, request, BASE, seen, words.encode() if words else None)


def facts(request: ChatRequest, kind: type[Part]) -> list[Any]:
    """The contents of all parts of one kind, without extensions."""
    parts = [part for message in request.messages for part in message.parts]
    inner = [one for part in parts if isinstance(part, ToolResult) for one in part.parts]
    return [bare(part) for part in [*parts, *inner] if isinstance(part, kind)]


def bare(part: Part) -> dict[str, Any]:
    """A part's members that a dialect must not change."""
    return {name: member for name, member in plain(part).items() if name in KEPT}


def roles(request: ChatRequest) -> list[str]:
    """The roles of all messages."""
    return [message.role for message in request.messages]


def turns(
    feature: str, *messages: Message, base: ChatRequest = LOOP, kind: Any = ToolResult
) -> Probe:
    """A probe for turns of a conversation with tools."""
    request = replace(base, messages=messages)
    return Probe(feature, request, base, partial(facts, kind=kind))


def spoken(role: Any) -> ChatRequest:
    """A conversation that begins with a message of this role."""
    return replace(BASE, messages=(Message(role, (Text("Be brief."),)), ASKED))


CALLED = Message("assistant", (CALL,))
TWICE = Message("assistant", (CALL, ToolCall("call_2", "weather", '{"city":"Ulm"}')))
ANSWERS = Message("tool", (RESULT, ToolResult("call_2", (Text("Sun"),), name="weather")))
FAILED = Message("tool", (replace(RESULT, is_error=True),))
SHOWN = Message("tool", (replace(RESULT, parts=(Image(data=DATA, media_type="image/png"),)),))
CUSTOM = Tool("note", "Notes.", kind="custom")

PROBES: dict[str, tuple[Probe, ...]] = {
    "Messages": (
        Probe("system prompt", spoken("system"), BASE, roles),
        Probe("developer message", spoken("developer"), BASE, roles),
        content("image, data", Image(data=DATA, media_type="image/png")),
        content("image, URL", Image(url="https://example.com/a.png")),
        content("image, file id", Image(file_id="file_1")),
        content("document, data", Document(data=DATA, media_type="application/pdf", name="a.pdf")),
        content("document, URL", Document(url="https://example.com/a.pdf", name="a.pdf")),
        content("document, text", Document(text="Words", media_type="text/plain", name="a.txt")),
        content("document, file id", Document(file_id="file_1")),
        content("audio", Audio(data=DATA, format="wav")),
        content("refusal in the history", Refusal("No."), "assistant"),
        content("reasoning in the history", Reasoning("Hm.", signature="c2ln"), "assistant"),
        content("a part only one dialect has", Opaque("other.chat", "video", {})),
        content("the same in the history", Opaque("other.chat", "search", {}), "assistant"),
    ),
    "Tools": (
        setting("functions", "tools", (WEATHER,)),
        setting("functions, strict", "tools", (replace(WEATHER, strict=True),)),
        setting("custom tools", "tools", (CUSTOM,)),
        setting("must call a tool", "tool_choice", ToolChoice("required"), TOOLS),
        setting("must not call a tool", "tool_choice", ToolChoice("none"), TOOLS),
        setting("must call this tool", "tool_choice", ToolChoice("required", ("weather",)), TOOLS),
        setting("one call at a time", "parallel_tool_calls", False, TOOLS),
        turns("calls and results", ASKED, CALLED, Message("tool", (RESULT,)), base=TOOLS),
        turns("several calls at once", ASKED, TWICE, ANSWERS),
        turns("a result that is an error", ASKED, CALLED, FAILED),
        turns("an image in a result", ASKED, CALLED, SHOWN, kind=Image),
    ),
    "Settings": (
        setting("output limit", "max_tokens", 50),
        setting("temperature", "temperature", 0.5),
        setting("top_p", "top_p", 0.5),
        setting("top_k", "top_k", 5),
        setting("stop sequences", "stop", ("END",)),
        setting("seed", "seed", 7),
        setting("frequency penalty", "frequency_penalty", 0.5),
        setting("presence penalty", "presence_penalty", 0.5),
        setting("logit bias", "logit_bias", {"42": 1.0}),
        setting("logprobs", "logprobs", True),
        setting("several answers", "n", 2),
        setting("JSON mode", "response_format", ResponseFormat("json_object")),
        setting("JSON schema", "response_format", ResponseFormat("json_schema", "city", SCHEMA)),
        setting("reasoning effort", "reasoning", ReasoningRequest(effort="low")),
        setting("reasoning budget", "reasoning", ReasoningRequest(budget_tokens=2048)),
        setting("reasoning summary", "reasoning", ReasoningRequest("low", summary="auto")),
        setting("spoken answer", "modalities", ("text", "audio")),
        setting("user", "user", "u1"),
        setting("metadata", "metadata", {"k": "v"}),
        setting("service tier", "service_tier", "flex"),
        setting("store", "store", True),
        setting("state at the provider", "server_state", "resp_1"),
    ),
}
