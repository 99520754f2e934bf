"""OpenAI's dialects for deployments: the path names the model, whatever the body says."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Dialect, Peek, installed


class InPath(Dialect):
    """The differences if the path names the model; everything else is the dialect's own."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        peek = super().peek(tree, params)
        return replace(peek, model=params.get("model") or peek.model)

    def with_model(self, body: bytes, media_type: str, old: str, new: str) -> bytes:
        """The body with another model's name, if it has one at all, which is optional."""
        try:
            return super().with_model(body, media_type, old, new)
        except KeyError:
            return body


def _in_path(name: str) -> Dialect:
    base = installed(f"openai.{name}")
    kind = type(f"Deployed{type(base).__name__}", (InPath, type(base)), {"name": f"azure.{name}"})
    dialect: Dialect = kind()
    return dialect


CHAT: Final = _in_path("chat")
COMPLETIONS: Final = _in_path("completions")
EMBEDDINGS: Final = _in_path("embeddings")

_OPENAIS: Final = {one.name: f"openai.{one.operation}" for one in (CHAT, COMPLETIONS, EMBEDDINGS)}
_OTHER_WORDS: Final = _OPENAIS | {azures: openais for openais, azures in _OPENAIS.items()}


def in_both_words(names: Sequence[str]) -> tuple[str, ...]:
    """The names of dialects and their twins: an API that accepts one accepts the other."""
    return (*names, *(_OTHER_WORDS[name] for name in names if name in _OTHER_WORDS))
