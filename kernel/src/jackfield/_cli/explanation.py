"""How an explanation reads: what came in, what each plugin did, where it would go, and why."""

from collections.abc import Iterator
from typing import Any

from .terminal import Line, Part, Terminal, bad, doubtful, faint, good, name, strong


def show(terminal: Terminal, explanation: dict[str, Any]) -> None:
    """Write an explanation for a person."""
    terminal.panel(explanation["endpoint"], _request(explanation))
    plugins = explanation.get("plugins", [])
    if plugins:
        terminal.section("plugins")
        width = max(len(plugin["name"]) for plugin in plugins)
        for position, plugin in enumerate(plugins, 1):
            _show_plugin(terminal, position, plugin, width)
    plan = explanation.get("plan")
    if plan is not None:
        _show_plan(terminal, plan)
    terminal.line()
    _show_end(terminal, explanation)


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


def _show_plan(terminal: Terminal, plan: dict[str, Any]) -> None:
    terminal.section("plan")
    for position, target in enumerate(plan["targets"], 1):
        lost = target["losses"]
        note: tuple[Part, ...] = (doubtful("  would lose "), ", ".join(lost)) if lost else ()
        terminal.line(f"  {position} ", strong("→ "), name(target["target"]), *note)
    if not plan["targets"]:
        terminal.line("  ", bad("no target is left"))
    for decision in plan["decisions"]:
        terminal.line(
            faint(f"    {decision['by']}: "), decision["what"], faint("  because "), decision["because"]
        )


def _show_end(terminal: Terminal, explanation: dict[str, Any]) -> None:
    refused = explanation.get("refused")
    if refused is not None:
        head = bad(f"refused with {refused['status']} {refused['code']}: ")
        terminal.line(head, refused["message"])
    elif "answered" in explanation:
        terminal.line(good("answered "), explanation["answered"])
    else:
        first = explanation["plan"]["targets"][:1]
        where = first[0]["target"] if first else "nowhere"
        terminal.line(good("would go to "), name(where), faint("  (nothing was sent)"))
