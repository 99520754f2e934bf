"""Turns a client's request into one for a provider, and finds what the provider cannot do."""

from functools import partial
from typing import Self

from attrs import field, frozen
from msgspec.structs import replace

from jackfield import _translation
from jackfield._fetching import Fetcher
from jackfield._media import Media
from jackfield._shortfalls import named_once, shortfalls
from jackfield._tool_names import with_accepted_names
from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.dialects import Dialect, Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange
from jackfield.messages import ChatRequest
from jackfield.setup import Setup

_MAX_TOKENS = 4096
"""The longest answer that is asked of a model of which nothing is known, where it must be said."""


@frozen
class RequestWriter:
    """Writes requests for one provider, known by its table's name and its plugin's."""

    _names: tuple[str, ...] = ()
    _facts: ModelFacts = field(factory=ModelFacts)
    _media: Media | None = None

    @classmethod
    def of(cls, name: str, setup: Setup) -> Self:
        """The writer of the provider called `name`."""
        table = setup.settings.providers.get(name)
        names = tuple(dict.fromkeys([name, table.use if table else name]))
        # A client's URL leads to the public internet only.
        opened = partial(setup.origin, "media", public=True, allow_http=True)
        media = Media(Fetcher(setup.settings.upstream, opened))
        return cls(names, ModelFacts(setup.settings.capabilities), media)

    async def prepare(self, exchange: Exchange, dialect: Dialect) -> None:
        """Fetch what the request gives by URL and the dialect needs as bytes.

        Raises InvalidRequest if it cannot be fetched.
        """
        if self._media is not None:
            await self._media.fetch(exchange, dialect)

    def write(self, exchange: Exchange, model: str, dialect: Dialect) -> Rendered:
        """The request in a dialect, addressed to `model`, with everything that is lost."""
        request = _translation.addressed(exchange.canonical(), model)
        if not isinstance(request, ChatRequest):
            return dialect.render_request(request)
        if exchange.usage_wanted and request.stream and not request.include_usage:
            request = replace(request, include_usage=True)
        able = self._able(model)
        if dialect.needs_max_tokens and request.max_tokens is None:
            request = replace(request, max_tokens=able.max_output_tokens or _MAX_TOKENS)
        short = shortfalls(request, able)
        refused: tuple[Loss, ...] = ()
        if self._media is not None:
            request, refused = self._media.embed(exchange, request, dialect)
        rendered = dialect.render_request(with_accepted_names(exchange, request, dialect))
        if not refused and not rendered.losses and not short:
            return rendered
        return replace(rendered, losses=named_once(refused, rendered.losses, short))

    def lost(self, exchange: Exchange, model: str) -> tuple[Loss, ...]:
        """What the model cannot do of a request that is passed through unchanged.

        A request that cannot be read is left for the provider to judge.
        """
        try:
            request = exchange.canonical()
        except InvalidRequest:
            return ()
        return shortfalls(_translation.addressed(request, model), self._able(model))

    def _able(self, model: str) -> Capabilities:
        return self._facts.of(model, *self._names)
