"""The `delta` of an event of Responses and Realtime: text, audio, or a part of a tool's call.

Each event contains the full name of its kind; text within it cannot imitate that, because its
quotes are escaped.
"""

import re
from typing import Final

is_audio: Final = re.compile(rb'"response\.(?:output_)?audio\.delta"').search

_CALL: Final = re.compile(rb'"type"\s*:\s*"response\.\w*call_(\w+)\.delta"').search


def delta_of_call(data: bytes) -> tuple[str, ...] | None:
    """The path of an event's `delta` if that is a part of a call: of JSON, code, or other input."""
    if b"call_" not in data or (found := _CALL(data)) is None:
        return None
    return ("delta/**",) if found[1] == b"arguments" else ("delta",)
