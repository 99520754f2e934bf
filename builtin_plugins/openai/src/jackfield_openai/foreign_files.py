"""Files stored with other vendors, which OpenAI cannot access."""

from jackfield.dialects import Loss
from jackfield.messages import Document, Extensions, Image


def is_foreign(extensions: Extensions) -> bool:
    """Whether a part came in another vendor's dialect, so that its file id is that vendor's."""
    return bool(extensions) and not any(name.startswith("openai.") for name in extensions)


def foreign_file(part: Image | Document, path: str) -> Loss:
    """The loss of a file stored with another provider; it changes the question."""
    kind = "images" if isinstance(part, Image) else "documents"
    return Loss(f"{kind}.file_id", path, "dropped", "a file of another provider", breaks=True)
