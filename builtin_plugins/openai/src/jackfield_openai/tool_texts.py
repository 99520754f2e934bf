"""Paths of calls and results of tools in OpenAI's messages, items and events."""

from typing import Final

IN_MESSAGES: Final = (
    "tool_calls/*/function/arguments/**",
    "tool_calls/*/custom/input",
    "function_call/arguments/**",
)
IN_ITEMS: Final = (
    "arguments/**",
    "input",
    "code",
    "action/query",
    "action/text",
    "action/command/*",
    "action/commands/*",
    "operation/diff",
    "queries/*",
    "output",
    "output/*/text",
    "output/*/stdout",
    "output/*/stderr",
    "outputs/*/logs",
    "results/*/text",
)
IN_EVENTS: Final = (
    "arguments/**",
    "input",
    "code",
    *(f"item/{path}" for path in IN_ITEMS),
    *(f"response/output/*/{path}" for path in IN_ITEMS),
)
