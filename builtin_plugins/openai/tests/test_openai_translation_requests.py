"""Recorded requests of each of OpenAI's dialects, written in the other one: they mean the same."""

from collections.abc import Iterator
from typing import Any

import msgspec
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

pytestmark = needs_corpus
CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
Entry = tuple[Any, ...]

LOST_ON_CHAT = {
    *("documents.url", "images.file_id", "reasoning.replay", "reasoning.summary"),
    *("tools.code_interpreter", "tools.file_search", "tools.image_generation", "tools.mcp"),
    *("tools.tool_search", "tools.web_search", "tools.web_search_preview"),
    *("messages.additional_tools", "messages.code_interpreter_call", "messages.compaction"),
    *("messages.image_generation_call", "messages.image", "messages.tool_search_call"),
    *("messages.tool_search_output", "messages.web_search_call", "conversation.server_state"),
    *("openai.responses.context_management", "openai.responses.reasoning"),
    *("openai.responses.include", "openai.responses.tool.defer_loading"),
    "openai.responses.message.phase",
    *("openai.responses.provider", "openai.responses.truncation", "openai.responses.background"),
}
LOST_ON_RESPONSES = {
    *("stop", "seed", "n", "top_k", "penalties", "logit_bias", "service_tier"),
    *("message.name", "audio", "modalities.image", "max_tokens"),
    *("reasoning.replay", "reasoning.budget_tokens"),
    *("messages.video_url", "tools.openrouter:web_search"),
}


def recorded(dialect: str, *operations: str) -> Iterator[Exchange]:
    for operation in operations:
        for exchange in exchanges(dialect, operation):
            if isinstance(exchange.request_tree, dict) and exchange.status == 200:
                yield exchange


def translate(tree: Any, source: Dialect, target: Dialect) -> tuple[dict[str, Any], set[str]]:
    rendered = target.render_request(source.parse_request(tree, {}))
    return msgspec.json.decode(rendered.body), {loss.feature for loss in rendered.losses}


def entries_of_chat(tree: dict[str, Any]) -> list[Entry]:
    return [entry for message in tree["messages"] for entry in _chat_message(message)]


def _chat_message(message: dict[str, Any]) -> Iterator[Entry]:
    role, content = message["role"], message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    if role == "tool":
        yield ("result", message.get("tool_call_id"), _text_and_images(blocks))
        return
    for block in blocks:
        yield from _chat_block(role, block)
    for call in message.get("tool_calls") or ():
        inner = call[call.get("type", "function")]
        yield ("call", call.get("id"), inner["name"], inner.get("arguments", inner.get("input")))


def _text_and_images(blocks: list[dict[str, Any]]) -> str:
    urls = [block.get("image_url") for block in blocks]
    images = "".join(url["url"] if isinstance(url, dict) else url or "" for url in urls)
    return "".join(block.get("text", "") for block in blocks) + images


def _chat_block(role: str, block: dict[str, Any]) -> Iterator[Entry]:
    if block["type"] == "text" and block["text"]:
        yield (role, block["text"])
    elif block["type"] == "image_url":
        image = block["image_url"]
        yield (role, "image", image["url"] if isinstance(image, dict) else image)
    elif block["type"] == "document_url":
        yield (role, "file", block["document_url"])
    elif block["type"] == "file":
        file = block["file"]
        yield (role, "file", file.get("file_data") or file.get("file_id"))


def entries_of_responses(tree: dict[str, Any]) -> list[Entry]:
    items = tree.get("input") or []
    entries: list[Entry] = []
    if tree.get("instructions"):
        entries.append(("system", tree["instructions"]))
    if isinstance(items, str):
        return [*entries, ("user", items)]
    return entries + [entry for item in items for entry in _item(item)]


def _item(item: dict[str, Any]) -> Iterator[Entry]:
    kind = item.get("type", "message")
    if kind in ("function_call", "custom_tool_call"):
        entries = item.get("arguments", item.get("input"))
        yield ("call", item["call_id"], item["name"], entries)
    elif kind in ("function_call_output", "custom_tool_call_output"):
        output = item["output"]
        texts = output if isinstance(output, str) else _text_and_images(output)
        yield ("result", item["call_id"], texts)
    elif kind == "message":
        yield from _item_content(item["role"], item["content"])


def _item_content(role: str, content: Any) -> Iterator[Entry]:
    for block in [{"text": content}] if isinstance(content, str) else content:
        if block.get("text"):
            yield (role, block["text"])
        elif block.get("type") == "input_image" and "image_url" in block:
            yield (role, "image", block["image_url"])
        elif block.get("type") == "input_file":
            yield (role, "file", next(block[key] for key in _FILE if block.get(key)))


_LONGEST_ID = 40
_FILE = ("file_data", "file_id", "file_url")


def tools_of(tree: dict[str, Any]) -> list[Entry]:
    found = []
    legacy = [{"function": function} for function in tree.get("functions") or ()]
    for tool in [*(tree.get("tools") or ()), *legacy]:
        kind = tool.get("type", "function")
        inner = tool.get(kind, tool) if kind in ("function", "custom") else None
        if inner is not None:
            schema = inner.get("parameters") or {"type": "object", "properties": {}}
            found.append((kind, inner["name"], inner.get("description") or None, schema))
    return found


def limits_of(tree: dict[str, Any]) -> list[Any]:
    limit = tree.get("max_output_tokens") or tree.get("max_completion_tokens")
    reasoning = (tree.get("reasoning") or {}).get("effort") or tree.get("reasoning_effort")
    form = (tree.get("text") or {}).get("format") or tree.get("response_format") or {}
    return [
        tree.get("model"),
        limit or tree.get("max_tokens"),
        reasoning,
        form.get("json_schema", form).get("schema"),
        *(tree.get(key) for key in ("temperature", "top_p", "parallel_tool_calls")),
        bool(tree.get("stream")),
    ]


def without_ids(entries: list[Entry]) -> list[Entry]:
    return [(*entry[:1], *entry[2:]) if len(entry) > 2 else entry for entry in entries]


def with_short_ids(entries: list[Entry]) -> list[Entry]:
    """With numbers for ids that are too long for chat, or as long as it takes."""
    numbers: dict[Any, int] = {}
    return [
        (entry[0], numbers.setdefault(entry[1], len(numbers)), *entry[2:])
        if entry[0] in ("call", "result") and len(entry[1]) >= _LONGEST_ID
        else entry
        for entry in entries
    ]


def test_every_responses_request_means_the_same_in_chat() -> None:
    lost: set[str] = set()
    for exchange in recorded("openai_responses", "responses", "responses_stream"):
        tree = exchange.request_tree
        chat, losses = translate(tree, RESPONSES, CHAT)
        lost |= losses
        entries = entries_of_responses(tree)
        if "documents.url" in losses:
            entries = [entry for entry in entries if entry[1] != "file"]
        assert with_short_ids(entries_of_chat(chat)) == with_short_ids(entries), exchange.id
        assert tools_of(chat) == tools_of(tree), exchange.id
        assert limits_of(chat) == limits_of(tree), exchange.id
    assert lost <= LOST_ON_CHAT


def test_every_chat_request_means_the_same_in_responses() -> None:
    lost: set[str] = set()
    for exchange in recorded("openai_chat", "chat", "chat_stream"):
        tree = exchange.request_tree
        body, losses = translate(tree, CHAT, RESPONSES)
        lost |= losses
        entries, translated = entries_of_chat(tree), entries_of_responses(body)
        if any(None in entry for entry in entries):  # ids that were left out have been made up
            entries, translated = without_ids(entries), without_ids(translated)
        assert translated == entries, exchange.id
        assert tools_of(body) == tools_of(tree), exchange.id
        if "reasoning.budget_tokens" not in losses:
            expected = limits_of(tree)
            expected[1] = 16 if "max_tokens" in losses else expected[1]  # the least that it takes
            assert limits_of(body) == expected, exchange.id
        assert body["store"] is bool(tree.get("store")), exchange.id
    assert {loss for loss in lost if not loss.startswith("openai.chat.")} <= LOST_ON_RESPONSES


def test_a_chat_request_comes_back_from_responses() -> None:
    for exchange in recorded("openai_chat", "chat", "chat_stream"):
        there, _ = translate(exchange.request_tree, CHAT, RESPONSES)
        back, losses = translate(there, RESPONSES, CHAT)
        if not losses & {"documents.url", "tool_results.media"}:
            translated, entries = entries_of_chat(back), entries_of_responses(there)
            assert with_short_ids(translated) == with_short_ids(entries), exchange.id
        assert tools_of(back) == tools_of(there), exchange.id
        assert limits_of(back) == limits_of(there), exchange.id
