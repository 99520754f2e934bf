"""The provider: any API that speaks OpenAI's dialects, by its base URL or a preset's name."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
from attrs import evolve, frozen

from jackfield.config import option
from jackfield.dialects import Dialect, Loss
from jackfield.endpoints import Endpoint
from jackfield.errors import ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.http_provider import dialects_named
from jackfield.providers import ModelInfo
from jackfield.realtime import RealtimeConfig, RealtimeProvider

from . import xai_audio
from .call_ids import with_short_ids
from .endpoints import (
    CHAT,
    COMPLETIONS,
    COUNT_TOKENS,
    EMBEDDINGS,
    PATHS,
    RERANK,
    RESOURCE,
    RESPONSES,
    endpoints,
)
from .failures import UNREADABLE
from .fitted import SUFFIX, FittedResponses, fitted
from .foreign_proofs import without_foreign_proofs
from .presets import ANY, completed, known_preset, preset_name, preset_of
from .realtime import REALTIME
from .responses_socket import RESPONSES_SOCKET


class OpenAI(RealtimeProvider):
    """OpenAI and all compatible APIs; set `preset` or `base_url`."""

    @frozen
    class Config(RealtimeConfig):
        """`[providers.NAME]` with `use = "openai"`."""

        base_url: str = option("", "The URL of the API, with its `/v1`; by default the preset's.")
        preset: str = option(
            "",
            "The known API; by default the one with the table's name, else OpenAI.",
            validator=known_preset,
        )

    dialects: ClassVar[tuple[Dialect, ...]] = (
        CHAT,
        RESPONSES,
        COMPLETIONS,
        EMBEDDINGS,
        RERANK,
        COUNT_TOKENS,
        RESOURCE,
        REALTIME,
        RESPONSES_SOCKET,
    )
    endpoints: ClassVar[tuple[Endpoint, ...]] = endpoints()
    paths: ClassVar[Mapping[str, str]] = {
        **PATHS,
        **{name + SUFFIX: path for name, path in PATHS.items()},
    }
    forward: ClassVar[frozenset[str]] = frozenset(
        {"accept", "idempotency-key", "openai-beta", "openai-organization", "openai-project"}
    )
    answer_headers: ClassVar[frozenset[str]] = frozenset(
        {
            *("accept-ranges", "content-disposition", "content-range", "etag"),
            *("location", "openai-poll-after-ms"),
        }
    )

    def __init__(self, config: Config) -> None:
        self._preset = preset = preset_of(config, self.name)
        config = completed(config, preset)
        names = config.dialects or preset.dialect_names
        chosen = [one.name for one in dialects_named(names, self.dialects)]
        # The adapted ones come first, so that requests are translated into them.
        known = [*fitted(preset), *type(self).dialects]
        fitting = [one for one in known if one.name.removesuffix(SUFFIX) in chosen]
        self.dialects = tuple(fitting)  # type: ignore[misc]
        self.reports_stream_usage = "stream_options" not in preset.unsupported
        super().__init__(evolve(config, dialects=()))
        self.vendor = "" if preset is ANY else preset_name(config, self.name)
        self._is_xai = self.vendor == "xai"
        self.config = config

    def speaks(self, dialect: Dialect, model: str) -> bool:
        """Whether requests for the model may be in this dialect."""
        return not isinstance(dialect, FittedResponses) or dialect.is_for(model)

    def upstream_path(self, dialect: Dialect, exchange: Exchange, model: str) -> str:
        """The preset's path if it has one of its own."""
        if self._is_xai and (path := _xai_path(exchange)) is not None:
            return path
        paths = self._preset.paths
        if paths:
            kind = dialect.name.removeprefix("openai.").removesuffix(SUFFIX)
            if kind in paths:
                return paths[kind]
        return super().upstream_path(dialect, exchange, model)

    def request_headers(self, exchange: Exchange) -> Sequence[tuple[str, str]]:
        """The part of a file that a client downloads."""
        if exchange.request.method != "GET":
            return ()
        headers = exchange.request.headers
        return [(name, headers[name]) for name in ("range", "if-range") if name in headers]

    def outgoing_body(self, exchange: Exchange, model: str) -> bytes:
        """The client's own bytes, unless they contain something foreign to this API."""
        body = super().outgoing_body(exchange, model)
        dialect = exchange.dialect
        if self._is_xai and _xai_path(exchange) is not None:
            return xai_audio.body_of(exchange, body)
        if dialect is CHAT or dialect is RESPONSES:
            body = without_foreign_proofs(body)
        if dialect is CHAT and self.vendor == "openai":
            body = with_short_ids(body)
        if dialect.translates and self._preset.rewrites_native:
            body = self._preset.fit(dialect.name, body, translated=False).body
        return body

    def left_out(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """Fields of a request for audio that xAI does not know."""
        is_other = self._is_xai and _xai_path(exchange) is not None
        return xai_audio.losses_of(exchange) if is_other else ()

    async def models(self) -> Sequence[ModelInfo]:
        """The configured models, or else those that the API lists."""
        if self.config.models:
            return [ModelInfo(model, self.name) for model in self.config.models]
        if not self._preset.models:
            return ()
        body = await self.fetch("GET", self._preset.models)
        try:
            listed = msgspec.json.decode(body, type=_Models | list[_Model])
        except UNREADABLE as error:
            raise ProviderUnavailable("Its list of models cannot be read.") from error
        return [
            ModelInfo(model.id, model.owned_by or self.name, model.created or 0)
            for model in (listed.data if isinstance(listed, _Models) else listed)
        ]


def _xai_path(exchange: Exchange) -> str | None:
    """xAI's own path for what is requested; None if it has the usual one."""
    return xai_audio.path_of(exchange) if exchange.dialect is RESOURCE else None


class _Model(msgspec.Struct):
    id: str
    owned_by: str | None = None
    created: int | None = None


class _Models(msgspec.Struct):
    data: list[_Model]
