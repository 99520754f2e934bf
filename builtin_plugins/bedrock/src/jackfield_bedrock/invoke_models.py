"""The kind of InvokeModel body that a model takes, derived from its name."""

import re
from functools import lru_cache
from typing import Final, Literal

Body = Literal[
    "anthropic",
    "nova",
    "titan",
    "titan_embeddings",
    "nova_embeddings",
    "cohere_embeddings",
    "command",
    "command_r",
    "rerank",
    "other",
]

_BODIES: Final[tuple[tuple[re.Pattern[str], Body], ...]] = (
    (re.compile(r"rerank"), "rerank"),
    (re.compile(r"titan-(embed|e1)"), "titan_embeddings"),
    (re.compile(r"nova.*embed"), "nova_embeddings"),
    (re.compile(r"cohere\.embed"), "cohere_embeddings"),
    (re.compile(r"cohere\.command-r"), "command_r"),
    (re.compile(r"cohere\.command"), "command"),
    (re.compile(r"titan-(text|tg1)"), "titan"),
    (re.compile(r"amazon\.nova-(?!canvas|reel|sonic|2-sonic)"), "nova"),
    (re.compile(r"anthropic\.|claude"), "anthropic"),
)
_BEDROCK: Final = re.compile(
    r"arn:aws[a-z-]*:(bedrock|sagemaker):"
    r"|((us|eu|apac|global|jp|au|ca|us-gov)\.)?"
    r"(ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai"
    r"|nvidia|openai|qwen|stability|twelvelabs|writer|zai)\.[a-z0-9]"
)
_VENDOR: Final = re.compile(r"(?:^|[./])[a-z0-9]+\.[a-z0-9]|^arn:|[:/]arn:")


@lru_cache(maxsize=1024)
def body_of(model: str) -> Body:
    """The kind of body for a model's id or ARN.

    A name without a known vendor, such as an alias, is treated as Claude: such names come from
    Anthropic's own SDK for Bedrock.
    """
    for pattern, body in _BODIES:
        if pattern.search(model):
            return body
    return "other" if _VENDOR.search(model) else "anthropic"


@lru_cache(maxsize=1024)
def is_bedrock_name(model: str) -> bool:
    """Whether a name can only be a Bedrock model: with its vendor in front, or an ARN."""
    return _BEDROCK.match(model) is not None


@lru_cache(maxsize=1024)
def is_opaque(model: str) -> bool:
    """Whether a name hides the model's kind: a profile, an endpoint or an import."""
    return model.startswith("arn:") and body_of(model) == "other"
