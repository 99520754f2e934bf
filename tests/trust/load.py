"""The clients: so many requests at once, streams and not, some of which leave in the middle."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

import aiohttp
from attrs import define, field

MAX_TOKENS = 400
STREAMING = 0.5
LEAVING = 0.05
PATIENCE = aiohttp.ClientTimeout(total=60)


@define
class Load:
    """`total` requests by the keys in turn; `answers` counts their statuses, 0 for a lost one."""

    url: str
    keys: tuple[str, ...]
    total: int
    at_once: int = 200
    answers: Counter[int] = field(factory=Counter)
    done: int = 0

    async def run(self) -> None:
        """Ask them all."""
        numbers = iter(range(self.total))
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, timeout=PATIENCE) as session:
            clients = (self._client(session, numbers) for _ in range(self.at_once))
            await asyncio.gather(*clients)

    async def _client(self, session: aiohttp.ClientSession, numbers: Iterator[int]) -> None:
        for number in numbers:
            key = self.keys[number % len(self.keys)]
            self.answers[await ask(session, self.url, key, number)] += 1
            self.done += 1


async def ask(session: aiohttp.ClientSession, url: str, key: str, number: int) -> int:
    """Ask one question; its status, 0 when the connection was lost."""
    name = f"r{number:06}"
    draw = random.Random(f"{name} client")
    stream = draw.random() < STREAMING
    leaves = draw.random() < LEAVING
    body = {
        "model": "truth/model",
        "messages": [{"role": "user", "content": f"{name} " + "please " * draw.randint(1, 60)}],
        "max_tokens": MAX_TOKENS,
        "stream": stream,
    }
    headers = {"authorization": f"Bearer {key}", "x-request-id": name}
    try:
        async with session.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
            if leaves and stream:
                await answer.content.read(draw.randint(1, 2000))
                return 499
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError, OSError):
        return 0
