"""The available models, and the meaning of their names."""

from typing import Final

from jackfield.errors import ModelNotFound

from .instructions import FORMS, Instructions

CHAT_MODELS: Final = {
    "echo": "says what you said",
    "chat": "says a few kind words about it",
    "think": "thinks before it speaks",
    "long": "speaks for some 600 tokens",
    "slow": "speaks 4 tokens a second",
    "refuse": "declines",
}
EMBED: Final = "embed"
EXAMPLES: Final = ("fail-503", "fail-429", "delay-2s", "cut-5", "stall")
"""Instructions listed as models of their own; otherwise they answer like `chat`."""

ALL: Final = (*CHAT_MODELS, EMBED, *EXAMPLES)


def read_chat_model(model: str, *, is_fallback: bool = False) -> tuple[str, Instructions]:
    """A model's base and its instructions: `think+cut-5`, or `cut-5` for `chat+cut-5`.

    With `is_fallback`, any other name means `chat`. Raises ModelNotFound.
    """
    base, *words = model.split("+")
    if base not in CHAT_MODELS:
        base, words = "chat", [base, *words]
    try:
        return base, Instructions().extended_by(words)
    except ValueError:
        if is_fallback:
            return "chat", Instructions()
        raise _unknown(model, "chat") from None


def read_embedding_model(model: str, *, is_fallback: bool = False) -> Instructions:
    """The instructions in the name of an embedding model. Raises ModelNotFound."""
    base, *words = model.split("+")
    if base != EMBED:
        words = [base, *words]
    try:
        return Instructions().extended_by(words)
    except ValueError:
        if is_fallback:
            return Instructions()
        raise _unknown(model, "embeddings") from None


def _unknown(model: str, operation: str) -> ModelNotFound:
    bases = EMBED if operation == "embeddings" else ", ".join(CHAT_MODELS)
    return ModelNotFound(
        f"The demo provider has no model {model[:80]!r} for {operation}. It has {bases}; and"
        f" {FORMS}, alone or behind a plus sign, as in '{bases.split(',')[0]}+delay-2s'.",
        param="model",
    )
