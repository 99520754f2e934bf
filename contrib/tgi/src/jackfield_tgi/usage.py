"""The usage of an answer, from its body or its headers."""

from collections.abc import Mapping

from jackfield.messages import Usage


def usage_of(generated: int, prompt: int | None) -> Usage:
    """The usage of an answer; the body of a complete one does not count its prompt."""
    return Usage(prompt or 0, generated)


def usage_in_headers(headers: Mapping[str, str]) -> Usage | None:
    """The usage in the headers of a complete answer; older servers have none."""
    prompt, generated = headers.get("x-prompt-tokens", ""), headers.get("x-generated-tokens", "")
    if not _is_count(prompt) or not _is_count(generated):
        return None
    return Usage(int(prompt), int(generated))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
