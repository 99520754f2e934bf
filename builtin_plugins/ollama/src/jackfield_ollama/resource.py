"""The dialect `ollama.resource`: Ollama's other endpoints, passed through unchanged.

Long operations (pull, push, create) stream lines of progress, the last with `"success"`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from jackfield import json_spans
from jackfield.dialects import Peek, Terminal
from jackfield.fields import json_object, object_fields
from jackfield.framing import NDJSON, Framing
from jackfield.messages import Usage

from .ollama_dialect import OllamaDialect


class ResourceDialect(OllamaDialect):
    """Models, processes, blobs; only errors and the model's name are parsed."""

    name: ClassVar[str] = "ollama.resource"
    operation: ClassVar[str] = "resource"
    translates: ClassVar[bool] = False
    framing: Framing = NDJSON
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b"success", b'"error"', b"true")

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        if not isinstance(tree, dict):
            return Peek(None)
        fields = object_fields(tree)
        return Peek(fields.text("model") or fields.text("name"), fields.flag("stream") is True)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        """The body with another model in place; older clients use the member `name`."""
        try:
            return super().with_model(body, media_type, old, new)
        except KeyError:
            return json_spans.splice(body, ("name",), new, known=old)

    def terminal(self, event: bytes) -> Terminal | None:
        try:
            line = json_object(event)
        except ValueError:
            return None
        if line.get("error"):
            return "error"
        return "end" if line.get("status") == "success" or line.get("done") is True else None

    def finishes(self, event: bytes) -> bool:
        """Any line may be the last: unknown streams end with the connection."""
        return True

    def usage(self, body: bytes) -> Usage | None:
        return None
