"""What the corpus's own reading of an answer says, in the terms of `Answer`."""

from tests.counters import COUNTERS

from jackfield.messages import Usage

from .answer import Answer, arguments_of, count
from .traffic import Recorded

FINISH = {
    "stop": {"end_turn", "stop_sequence", "STOP", "COMPLETE", "STOP_SEQUENCE", "stop", "1"},
    "length": {"max_tokens", "MAX_TOKENS", "length", "incomplete", "2"},
    "tool_calls": {"tool_use", "TOOL_CALL", "tool_calls", "function_call"},
    "content_filter": {"refusal", "SAFETY", "guardrail_intervened", "content_filtered"},
}
"""Our word for a finish, and the vendors'; with any other, nothing is expected."""

CLASSES = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cached": "cached_input_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
    "audio_in": "audio_input_tokens",
    "audio_out": "audio_output_tokens",
}
"""The classes of tokens, by the names of `Told.usage`."""


def expected(recorded: Recorded) -> Answer:
    """What every client must receive."""
    expect = recorded.exchange.expect
    named = [call for call in expect["tool_calls"] if call["name"]]
    calls = tuple((call["name"], arguments_of(call["arguments"])) for call in named)
    usage = expect.get("usage") or {}
    counted = COUNTERS[recorded.exchange.dialect](usage) if usage else Usage()
    return Answer(
        text=expect["text"] or "",
        reasoning=expect["reasoning"] or "",
        calls=calls,
        finish=_finish(str(expect["finish"]), has_calls=bool(calls)),
        usage=count(**{name: getattr(counted, field) for name, field in CLASSES.items()}),
    )


def _finish(word: str, *, has_calls: bool) -> str | None:
    if word == "completed":
        return "tool_calls" if has_calls else "stop"
    found = next((known for known, names in FINISH.items() if word in names), None)
    return "tool_calls" if has_calls and found == "stop" else found
