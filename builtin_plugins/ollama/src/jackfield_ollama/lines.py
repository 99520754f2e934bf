"""The framing of Ollama's streams: JSON lines under any content type."""

from jackfield.framing import Lines

_UNNAMED = ("application/octet-stream", "text/plain")


class AnyLines(Lines):
    """JSON lines, also with the generic media types that proxies set."""

    def frames(self, content_type: str) -> bool:
        """Whether a stream of this content type may consist of lines."""
        return super().frames(content_type) or content_type.lower().startswith(_UNNAMED)


LINES = AnyLines()
