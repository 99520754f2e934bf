"""Files stored with other vendors, which OpenAI cannot access."""

from jackfield.dialects import Loss
from jackfield.messages import Document, Image


def is_foreign(part: Image | Document) -> bool:
    """Whether a part refers to a file that only another vendor can read.

    Its id came in another vendor's dialect, or is a path or a URL such as Google's: OpenAI's have
    no slash. Or its URL is in another vendor's cloud, such as `s3://` and `gs://`.
    """
    extensions = part.extensions
    if any(name.startswith("openai.") for name in extensions):
        return False
    if part.url is not None:
        return "://" in part.url and not part.url.startswith(("https://", "http://"))
    return part.file_id is not None and (bool(extensions) or "/" in part.file_id)


def foreign_file(part: Image | Document, path: str) -> Loss:
    """The loss of a file stored with another provider; it changes the question."""
    kind = "images" if isinstance(part, Image) else "documents"
    return Loss(f"{kind}.file_id", path, "dropped", "a file of another provider", breaks=True)
