"""How an explanation is displayed: the request, each plugin's decision, the targets and why."""

from collections.abc import Container, Iterator
from typing import Any

from .terminal import Line, Part, Terminal, bad, doubtful, faint, good, name


def show(terminal: Terminal, explanation: dict[str, Any]) -> None:
    """Display an explanation for a person."""
    terminal.panel(explanation["endpoint"], _request(explanation))
    plugins = explanation.get("plugins", [])
    if plugins:
        terminal.section("plugins")
        width = max(len(plugin["name"]) for plugin in plugins)
        for position, plugin in enumerate(plugins, 1):
            _show_plugin(terminal, position, plugin, width)
    if "plan" in explanation:
        terminal.section("plan")
        _show_plan(terminal, explanation["plan"], {plugin["name"] for plugin in plugins})
    terminal.line()
    _show_end(terminal, explanation)


def is_refused(explanation: dict[str, Any]) -> bool:
    """Whether the caller would get an error before any provider is called."""
    return "refused" in explanation


def _request(explanation: dict[str, Any]) -> Iterator[tuple[str, Line]]:
    for label in ("dialect", "operation", "model", "tenant"):
        if explanation.get(label):
            value = explanation[label]
            yield label, name(value) if label == "model" else str(value)
    if "stream" in explanation:
        yield "answer", "streamed" if explanation["stream"] else "whole"


def _show_plugin(terminal: Terminal, position: int, plugin: dict[str, Any], width: int) -> None:
    mark: Part = good("✓") if plugin["reached"] else faint("·")
    if plugin["failures"]:
        mark = bad("✗")
    took = f"{plugin['ms']:.2f} ms" if plugin["reached"] else "not reached"
    label = name(plugin["name"].ljust(width))
    hooks = ", ".join(plugin["hooks"])
    terminal.line(f"  {position} ", mark, " ", label, f"  {took:>11}  ", faint(hooks))
    for decision in plugin["decisions"]:
        what, _, because = decision.partition(": ")
        terminal.line("      ", what, faint("  because "), because)
    for change in plugin["changes"]:
        terminal.line("      changed the ", change)
    for failure in plugin["failures"]:
        terminal.line("      ", bad("failed: "), failure)


def _show_plan(terminal: Terminal, plan: dict[str, Any], listed: Container[str]) -> None:
    """Write the targets in order, and the decisions not listed under a plugin above."""
    for decision in plan["decisions"]:
        if decision["by"] not in listed:
            terminal.line("    ", decision["what"], faint("  because "), decision["because"])
    for position, target in enumerate(plan["targets"], 1):
        arrow, when = (good("→"), "") if position == 1 else (faint("↳"), faint("  if that fails"))
        terminal.line(f"  {position} ", arrow, " ", name(target["target"]), when)
        for loss in target["losses"]:
            terminal.line("      ", doubtful("loses "), loss)


def _show_end(terminal: Terminal, explanation: dict[str, Any]) -> None:
    refused = explanation.get("refused")
    if refused is not None:
        head = bad(f"refused with {refused['status']} {refused['code']}: ")
        terminal.line(head, refused["message"])
    elif "answered" in explanation:
        terminal.line(good("answered "), explanation["answered"])
    else:
        target = explanation["plan"]["targets"][0]["target"]
        terminal.line(good("would go to "), name(target), faint("; nothing was sent"))
