"""What moderation found in a request and its answer: one result in Responses, a list in chats."""

from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import Extensions

MODERATION: Final = "moderation"
_SIDES: Final = ("input", "output")
_RESULTS: Final = "moderation_results"


def chat_moderation(extensions: Extensions) -> dict[str, Any]:
    """The member of a chat answer for the moderation of a response; empty without one."""
    found = extensions.get("openai.responses", {}).get(MODERATION)
    if not isinstance(found, dict):
        return {}
    return {MODERATION: {side: _listed(found.get(side)) for side in _SIDES}}


def response_moderation(extensions: Extensions, losses: list[Loss]) -> dict[str, Any]:
    """The member of a response for the moderation of a chat answer; empty without one."""
    found = extensions.get("openai.chat", {}).get(MODERATION)
    if not isinstance(found, dict):
        return {}
    return {MODERATION: {side: _worst(found.get(side), losses) for side in _SIDES}}


def _listed(side: Any) -> Any:
    if not isinstance(side, dict) or side.get("type") != "moderation_result":
        return side
    return {"type": _RESULTS, "model": side.get("model"), "results": [side]}


def _worst(side: Any, losses: list[Loss]) -> Any:
    results = side.get("results") if isinstance(side, dict) else None
    if not isinstance(results, list) or not results:
        return side
    if len(results) > 1:
        detail = f"one result of {len(results)}, a flagged one if there is any"
        losses.append(Loss(MODERATION, "extensions", "approximated", detail))
    flagged = (one for one in results if isinstance(one, dict) and one.get("flagged"))
    return next(flagged, results[0])
