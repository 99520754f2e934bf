"""The models available in an account's region, from Bedrock's control plane."""

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from jackfield.errors import ProviderUnavailable

LISTING: Final = "/foundation-models"


class _Model(msgspec.Struct, rename="camel"):
    model_id: str


class _Models(msgspec.Struct, rename="camel"):
    model_summaries: list[_Model]


class Answer(Protocol):
    """An answer of the control plane."""

    status: int

    async def read(self) -> bytes:
        """The body."""

    async def close(self) -> None:
        """Release the connection."""


class Control(Protocol):
    """A connection to the control plane."""

    async def send(self, method: str, path: str, head: bytes = b"") -> Answer:
        """Send a request and return once the head of its answer has arrived."""


async def listed_models(control: Control, headers: Iterable[tuple[str, str]]) -> list[str]:
    """The ids of the models. Raises ProviderUnavailable."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
    answer = await control.send("GET", LISTING, head)
    try:
        body = await answer.read()
    finally:
        await answer.close()
    if answer.status != 200:
        raise ProviderUnavailable(f"Its list of models was refused with status {answer.status}.")
    try:
        listed = msgspec.json.decode(body, type=_Models)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable("Its list of models cannot be read.") from error
    return [model.model_id for model in listed.model_summaries]
