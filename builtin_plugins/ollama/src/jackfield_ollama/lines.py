"""The framing of Ollama's streams: JSON on lines, whatever a proxy in between calls it."""

from jackfield.framing import Lines

_UNNAMED = ("application/octet-stream", "text/plain")


class AnyLines(Lines):
    """Lines of JSON, also under the media types of what nobody has named."""

    def frames(self, content_type: str) -> bool:
        """Whether a stream of this content type may be one of lines."""
        return super().frames(content_type) or content_type.lower().startswith(_UNNAMED)


LINES = AnyLines()
