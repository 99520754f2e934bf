"""The recorded HTTP traffic of providers that tests can be pointed at, read once and kept."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

ROOT = Path(os.environ.get("JACKFIELD_CORPUS", Path(__file__).parents[2] / "shared" / "corpus"))

needs_corpus = pytest.mark.skipif(
    not (ROOT / "exchanges").is_dir(),
    reason=f"no recorded traffic at {ROOT}: set JACKFIELD_CORPUS to its directory",
)


@frozen
class Exchange:
    """One recorded request and response; `expect` is an independent reading of the response."""

    id: str
    provider: str
    dialect: str
    operation: str
    model: str | None
    features: tuple[str, ...]
    request: dict[str, Any]
    status: int
    response: dict[str, Any]
    expect: dict[str, Any]

    @property
    def request_tree(self) -> Any:
        """The JSON of the request's body; None when it is not JSON."""
        return self.request["body"] if self.request["body_kind"] == "json" else None

    @property
    def streams(self) -> bool:
        """Whether the response is a stream of server-sent events."""
        return bool(self.response["body_kind"] == "sse")

    @property
    def body(self) -> bytes:
        """The response's body as bytes."""
        body = self.response["body"]
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@cache
def _all() -> tuple[Exchange, ...]:
    paths = sorted((ROOT / "exchanges").glob("*/*/*.json"))
    records = (json.loads(path.read_bytes()) for path in paths)
    return tuple(_exchange(record) for record in records if record.get("response"))


def _exchange(record: dict[str, Any]) -> Exchange:
    return Exchange(
        id=record["id"],
        provider=record["provider"],
        dialect=record["dialect"],
        operation=record["operation"],
        model=record.get("model"),
        features=tuple(record.get("features") or ()),
        request=record["request"],
        status=record["response"]["status"],
        response=record["response"],
        expect=record.get("expect") or {},
    )


@cache
def exchanges(
    dialect: str | None = None, operation: str | None = None, provider: str | None = None
) -> tuple[Exchange, ...]:
    """The exchanges with these marks, named as the corpus does ("openai_chat")."""
    return tuple(
        exchange
        for exchange in _all()
        if dialect in (None, exchange.dialect)
        and operation in (None, exchange.operation)
        and provider in (None, exchange.provider)
    )


def by_id(identity: str) -> Exchange:
    """One exchange. Raises KeyError when the corpus has none of that id."""
    for exchange in _all():
        if exchange.id == identity:
            return exchange
    raise KeyError(identity)
