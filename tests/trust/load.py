"""The clients: so many requests at once, streams and not, some of which leave in the middle."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import aiohttp
from attrs import define, field, frozen

MODEL = "truth/model"
MAX_TOKENS = 400
STREAMING = 0.5
LEAVING = 0.05
PATIENCE = aiohttp.ClientTimeout(total=90)
LOST = 0
LEFT = 499
REFUSED = 429
REST = 0.1
"""Seconds that a client rests after a refusal."""
LONGEST_WAIT = 2.0
"""Seconds that a client waits at the most if the gateway asks it to: a store may be away."""

_BUDGET = re.compile(rb"The budget '([^']+)'")
_CODE = re.compile(rb'"code":"(\w+)"')
_NEED = re.compile(rb"may need ([0-9.]+) dollars")


@frozen
class View:
    """What a client saw: a status, `LOST` with the connection, `LEFT` when it left; and a body.

    `wait` is how many seconds the refusal says to wait.
    """

    status: int
    body: bytes = b""
    wait: float = 0.0

    def code(self) -> str:
        """The code of the error."""
        found = _CODE.search(self.body)
        return found[1].decode() if found else "no code"

    def budget(self) -> str:
        """The name of the budget that has refused it."""
        found = _BUDGET.search(self.body)
        return found[1].decode() if found else self.body.decode(errors="replace")

    def need(self) -> int:
        """The nano-dollars for which that had no room."""
        found = _NEED.search(self.body)
        return round(float(found[1]) * 10**9) if found else 0


@define
class Load:
    """`total` requests by the keys in turn; `answers` counts their statuses, `refusals` budgets and
    `failures` the other errors.

    `progress` gets how many are done, after each.
    """

    url: str
    keys: Sequence[str]
    total: int
    at_once: int
    progress: Callable[[int], None]
    answers: Counter[int] = field(factory=Counter)
    refusals: Counter[str] = field(factory=Counter)
    failures: Counter[str] = field(factory=Counter)
    done: int = 0

    async def run(self) -> None:
        """Ask them all."""
        numbers = iter(range(self.total))
        async with session() as asking:
            await asyncio.gather(*[self._client(asking, numbers) for _ in range(self.at_once)])

    async def _client(self, asking: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            key = self.keys[number % len(self.keys)]
            view = await send(asking, self.url, key, number)
            self.answers[view.status] += 1
            self.done += 1
            self.progress(self.done)
            if view.status == REFUSED:
                self.refusals[view.budget()] += 1
                await asyncio.sleep(REST)
            elif view.status > LEFT:
                self.failures[f"{view.status} {view.code()}"] += 1
                await asyncio.sleep(min(view.wait, LONGEST_WAIT))


def session() -> aiohttp.ClientSession:
    """A client that asks each question on a connection of its own."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    return aiohttp.ClientSession(connector=connector, timeout=PATIENCE)


def name_of(number: int) -> str:
    """The id of a request."""
    return f"r{number:06}"


async def send(asking: aiohttp.ClientSession, url: str, key: str, number: int) -> View:
    """Send one request."""
    name = name_of(number)
    draw = random.Random(f"{name} client")  # noqa: S311 - no secret
    stream = draw.random() < STREAMING
    leaves = draw.random() < LEAVING
    text = f"{name} {time.monotonic()} " + "please " * draw.randint(1, 60)
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": text}],
        "max_tokens": MAX_TOKENS,
        "stream": stream,
    }
    headers = {"authorization": f"Bearer {key}", "x-request-id": name}
    try:
        async with asking.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            if leaves and stream and answer.status == 200:
                await answer.content.read(draw.randint(1, 2000))
                return View(LEFT)
            wait = float(answer.headers.get("retry-after", 0))
            return View(answer.status, await answer.read(), wait)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return View(LOST)
