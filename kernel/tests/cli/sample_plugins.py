"""Plugins, a provider and a command, installed for these tests as the distribution `sample`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from jackfield import (
    Endpoint,
    Exchange,
    Forbidden,
    Plan,
    Plugin,
    Response,
    Target,
    hookimpl,
    option,
)
from jackfield._gateway_dialect import GatewayDialect
from jackfield.dialects import Loss, Peek
from jackfield.providers import ModelInfo, Provider


class SampleDialect(GatewayDialect):
    name = "sample.chat"
    operation = "chat"

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(tree.get("model"), tree.get("stream", False))


class Parrot(Provider):
    """A provider that echoes its input, and cannot take pictures."""

    endpoints = (
        Endpoint("POST", "/v1/chat/completions", SampleDialect(), "chat", "inference", "/chat"),
    )

    async def models(self) -> Sequence[ModelInfo]:
        return [ModelInfo("grey")]

    def lists(self, model: str) -> bool:
        return model == "grey"

    def serves(self, endpoint: Endpoint) -> bool:
        return endpoint in self.endpoints

    def losses(self, exchange: Exchange, target: Target) -> tuple[Loss, ...]:
        has_pictures = "pictures" in exchange.request.body.decode()
        return (Loss("pictures", "pictures", "dropped"),) if has_pictures else ()

    async def call(self, exchange: Exchange, target: Target) -> Response:
        return Response(200, exchange.request.body)


class OtherParrot(Parrot):
    """Claims the same endpoint as a parrot."""

    endpoints = (
        Endpoint("POST", "/v1/chat/completions", SampleDialect(), "chat", "inference", "/chat"),
    )


class Guard(Plugin):
    """Refuses a word, and keeps requests away from one provider."""

    @frozen
    class Config:
        word: str = option("hush", "The word that is refused.")
        avoid: str = option("nobody", "The provider that gets nothing.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if config.avoid == config.word:
            raise ValueError("avoid must not be the word as well")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if self.config.word in exchange.request.body.decode():
            raise Forbidden("That is not allowed here.")

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        return plan.keep(lambda target: target.provider != self.config.avoid, "it is avoided")

    async def health(self) -> str | None:
        return "the guard sleeps" if self.config.word == "sleep" else None


class Failing(Plugin):
    """Fails in its only hook."""

    on_error = "skip"

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        raise KeyError("lost")


def greet(parser: ArgumentParser) -> None:
    parser.description = "Greet somebody."
    parser.add_argument("name")
    parser.set_defaults(run=_greet)


def _greet(arguments: Namespace) -> int:
    return len(arguments.name)
