"""Checks the types of loosely parsed members, which may get new forms in the future."""

from collections.abc import Mapping
from typing import Any

from jackfield.fields import Fields


def check_worded(wire: Mapping[str, Any]) -> None:
    """Raise InvalidRequest that names the field if a member has an invalid type."""
    fields = Fields(wire)
    _check_choice(fields.inner("tool_choice"))
    thinking = fields.inner("thinking")
    if thinking is not None:
        thinking.needed_text("type")
        thinking.integer("budget_tokens")
        thinking.text("display")
    config = fields.inner("output_config")
    if config is not None:
        config.text("effort")
        _check_format(config.inner("format"))
    _check_format(fields.inner("output_format"))
    metadata = fields.inner("metadata")
    if metadata is not None:
        metadata.text("user_id")


def _check_choice(choice: Fields | None) -> None:
    if choice is None:
        return
    kind, name = choice.needed_text("type"), choice.text("name")
    if kind == "tool" and name is None:
        raise choice.wrong("name", "the name of a tool")
    choice.flag("disable_parallel_tool_use")


def _check_format(form: Fields | None) -> None:
    if form is not None:
        form.needed_text("type")
        form.table("schema")
