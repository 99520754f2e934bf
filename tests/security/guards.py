"""Plugins that guard, and one that brings endpoints, as third parties write them."""

from typing import ClassVar

from attrs import frozen

from jackfield import Endpoint, Exchange, Plugin, Principal, Response, SecretRef, Setup, hookimpl
from jackfield.config import option
from jackfield.dialects import Dialect
from jackfield.errors import Unauthenticated
from jackfield.testing import TESTING_CHAT

GOOD_KEY = "Bearer good-9wKq3ZtLm2XcV5bN8rKpD"
LOW_KEY = "Bearer low-4RtYu7QxWe2ZsDf6GhJkL"


class KeyGuard(Plugin):
    """Knows two keys: one that may do everything, and one that may do nothing of interest."""

    authenticates: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        given = exchange.request.headers.get("authorization", "")
        if given == GOOD_KEY:
            exchange.set_principal(Principal("t1", "k1", frozenset({"*"})))
        elif given == LOW_KEY:
            exchange.set_principal(Principal("t2", "k2", frozenset({"nothing.of.interest"})))
        elif given:
            raise Unauthenticated("This API key is not known.")
        return None


class TokenGuard(Plugin):
    """Lets in who sends the token that its configuration refers to."""

    authenticates: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"principal"})

    @frozen
    class Config:
        """Where the token is."""

        token: SecretRef = option(doc="The token that callers send.")

    async def start(self, setup: Setup) -> None:
        self.token = await setup.secret(self.config.token)

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        if exchange.request.headers.get("authorization") == f"Bearer {self.token.reveal()}":
            exchange.set_principal(Principal("t1", "k1", frozenset({"*"})))
        return None


class Extra(Plugin):
    """Brings endpoints of its own."""

    async def start(self, setup: Setup) -> None:
        dialect: Dialect = TESTING_CHAT
        setup.add_endpoint(Endpoint("POST", "/extra/chat", dialect, "chat", "extra"))
        setup.add_endpoint(
            Endpoint("GET", "/extra/items/{name}", dialect, "chat", "extra", answer=_answer)
        )


async def _answer(exchange: Exchange, catalogue: object) -> Response:
    return Response(200, b'{"answered": true}')


GUARDS: dict[str, type[Plugin]] = {
    "key_guard": KeyGuard,
    "token_guard": TokenGuard,
    "extra": Extra,
}
