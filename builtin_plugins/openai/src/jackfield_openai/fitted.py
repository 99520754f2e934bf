"""OpenAI's dialects adapted to one preset's API, as targets of translations."""

from typing import ClassVar, Final

import msgspec

from jackfield.dialects import CanonicalRequest, Dialect, Rendered
from jackfield.globs import matches

from .chat import ChatDialect
from .embeddings import EmbeddingsDialect
from .presets import ANY, Preset
from .rerank import RerankDialect
from .responses import ResponsesDialect
from .strict_schemas import lost_strictness

SUFFIX: Final = "@preset"
"""The suffix of such a dialect's name."""


class _Fitted(Dialect):
    def __init__(self, preset: Preset) -> None:
        self._preset = preset

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rendered = super().render_request(request)
        kind = self.name.removesuffix(SUFFIX)
        fitted = self._preset.fit(kind, rendered.body, translated=True)
        return Rendered(fitted.body, rendered.losses + fitted.losses)


class FittedChat(_Fitted, ChatDialect):
    """Chat."""

    name: ClassVar[str] = ChatDialect.name + SUFFIX

    def render_request(self, request: CanonicalRequest) -> Rendered:
        rendered = super().render_request(request)
        if any(matches(pattern, request.model) for pattern in self._preset.strict):
            return rendered
        tree = msgspec.json.decode(rendered.body)
        schema = tree.get("response_format", {}).get("json_schema", {})
        if not schema.pop("strict", False):
            return rendered
        lost = lost_strictness("the model does not enforce schemas")
        return Rendered(msgspec.json.encode(tree), (*rendered.losses, lost))


class FittedEmbeddings(_Fitted, EmbeddingsDialect):
    """Embeddings."""

    name: ClassVar[str] = EmbeddingsDialect.name + SUFFIX

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset)
        self.takes_input_type = preset.input_type


class FittedRerank(_Fitted, RerankDialect):
    """Rerank."""

    name: ClassVar[str] = RerankDialect.name + SUFFIX


class FittedResponses(_Fitted, ResponsesDialect):
    """Responses, before chat, for the models that need it."""

    name: ClassVar[str] = ResponsesDialect.name + SUFFIX

    def is_for(self, model: str) -> bool:
        """Whether requests for the model are translated into it."""
        return any(matches(pattern, model) for pattern in self._preset.responses)


def fitted(preset: Preset) -> tuple[Dialect, ...]:
    """The dialects that need adapting to this API."""
    first = (FittedResponses(preset),) if preset.responses else ()
    if preset is ANY or not preset.differs:
        return first
    return (*first, FittedChat(preset), FittedEmbeddings(preset), FittedRerank(preset))
