"""Turns a provider's HTTP answer into a response in the client's dialect."""

from msgspec.structs import replace

from jackfield import _translation, strict_json
from jackfield._client import Answer
from jackfield._provider_stream import ProviderStream, StreamEnd
from jackfield._tap import Tap
from jackfield._upstream_error import UpstreamErrors, is_error
from jackfield.dialects import CanonicalResponse, Dialect, Rendered
from jackfield.errors import ProviderUnavailable
from jackfield.exchange import Exchange
from jackfield.framing import SSE
from jackfield.messages import TokenCount
from jackfield.response import Response

_EVENTS = "text/event-stream"
_WHOLE = ("application/json", "text/")


class AnswerReader:
    """Reads one provider's successful answers, whole and streamed."""

    def __init__(self, provider: str, errors: UpstreamErrors, stream_end: StreamEnd) -> None:
        self._provider = provider
        self._errors = errors
        self._stream_end = stream_end

    async def read(
        self, exchange: Exchange, answer: Answer, dialect: Dialect, sent: Rendered, hides: bool
    ) -> Response:
        """The answer to the request `sent`; a stream is returned once its first event is there.

        With `hides` the client does not get events that only report usage. Raises
        ProviderUnavailable, or whatever the dialect raises, if the answer is not valid.
        """
        exchange.losses = losses = sent.losses
        media = answer.headers.get("Content-Type", "application/json")
        headers = self._errors.passed_headers(answer)
        media = media.lower() if media[: len(_EVENTS)].lower() == _EVENTS else media
        if self._streams(exchange, dialect, media):
            shape = Response(answer.status, b"", media, headers, losses)
            return await self._streamed(exchange, answer, dialect, shape, hides)
        body = await answer.read()
        if dialect.translates:
            self._check(body)
            media = media if media.startswith("application/json") else "application/json"
        try:
            if dialect is exchange.dialect:
                exchange.tap = Tap.known(dialect.usage_with(dialect.usage(body), answer.headers))
                return Response(answer.status, body, media, headers, losses)
            parsed = dialect.parse_response(body)
        except ValueError:
            if is_error(body, dialect):  # although its status denies it
                raise self._errors.read(answer, body, dialect, exchange.dialect) from None
            raise
        counted = _counted(parsed, dialect, answer)
        response = _translation.whole(exchange, counted, losses, headers, dialect)
        if exchange.usage_wanted:  # with the provider's other members beside it
            used = dialect.usage_beside(parsed, body)
            exchange.tap = Tap.known(dialect.usage_with(used, answer.headers))
        return response

    def unreadable(self, why: str) -> ProviderUnavailable:
        """The error for an answer that cannot be read."""
        message = f"The provider's answer cannot be used. {why}"
        return ProviderUnavailable(message, provider=self._provider)

    def _check(self, body: bytes) -> None:
        """Raise ProviderUnavailable or ValueError for what cannot be a JSON object."""
        if strict_json.is_unwieldy(body):
            raise self.unreadable("It has too many values.")
        if not body.isascii():
            body.decode()
        if body.lstrip(b" \t\r\n")[:1] != b"{":
            raise self.unreadable("It is not a JSON object.")

    def _streams(self, exchange: Exchange, dialect: Dialect, media: str) -> bool:
        """Whether to pass an answer on as it arrives; it must be of the kind that was asked for."""
        if not dialect.translates:
            return media.startswith(_EVENTS) or not media.startswith(_WHOLE)
        if exchange.stream:
            if not dialect.framing.frames(media):
                raise self.unreadable("It was asked for a stream, and none came.")
        elif media.startswith(_EVENTS) and dialect.framing is SSE:
            raise self.unreadable("It was asked for no stream, and one came.")
        return exchange.stream

    async def _streamed(
        self, exchange: Exchange, answer: Answer, dialect: Dialect, shape: Response, hides: bool
    ) -> Response:
        stream = ProviderStream(
            answer,
            dialect,
            self._provider,
            self._stream_end,
            shown=exchange.dialect,
            scrubber=self._errors.scrubber,
            events=dialect.framing.frames(shape.content_type),
            hides=hides,
        )
        if dialect is exchange.dialect:
            await stream.begin()
            response = replace(shape, body=stream)
        else:
            response = await _translation.translated_stream(
                exchange, stream, dialect, shape, self._provider
            )
        exchange.tap = Tap(stream.usage, stream.is_complete, stream.seen)
        return response


def _counted(parsed: CanonicalResponse, dialect: Dialect, answer: Answer) -> CanonicalResponse:
    """The response, with usage that is reported in headers."""
    if isinstance(parsed, TokenCount):
        return parsed
    return replace(parsed, usage=dialect.usage_with(parsed.usage, answer.headers))
