"""What `setup.origin` returns: a way to one base URL, and the answers that come from there."""

from jackfield._client import Answer, Origin, header_lines

__all__ = ["Answer", "Origin", "header_lines"]
