"""Where bodies and events of OpenAI hold calls and results of tools, for plugins that read them."""

from typing import Final

OF_MESSAGES: Final = (
    "tool_calls/*/function/arguments/**",
    "tool_calls/*/custom/input",
    "function_call/arguments/**",
)
OF_ITEMS: Final = (
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
OF_EVENTS: Final = (
    "arguments/**",
    "input",
    "code",
    *(f"item/{path}" for path in OF_ITEMS),
    *(f"response/output/*/{path}" for path in OF_ITEMS),
)
