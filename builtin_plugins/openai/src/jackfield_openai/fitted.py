"""OpenAI's dialects adapted to one preset's API, as targets of translations."""

from typing import ClassVar, Final

from jackfield.dialects import CanonicalRequest, Dialect, Rendered

from .chat import ChatDialect
from .embeddings import EmbeddingsDialect
from .presets import Preset
from .rerank import RerankDialect

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


class FittedEmbeddings(_Fitted, EmbeddingsDialect):
    """Embeddings."""

    name: ClassVar[str] = EmbeddingsDialect.name + SUFFIX

    def __init__(self, preset: Preset) -> None:
        super().__init__(preset)
        self.takes_input_type = preset.input_type


class FittedRerank(_Fitted, RerankDialect):
    """Rerank."""

    name: ClassVar[str] = RerankDialect.name + SUFFIX


def fitted(preset: Preset) -> tuple[Dialect, ...]:
    """The dialects that need adapting to this API."""
    return FittedChat(preset), FittedEmbeddings(preset), FittedRerank(preset)
