"""One process that spends from a shared budget: `python spender.py FOLDER`.

Prints `ready`, and begins when it is given a line. Prints `spent` for each request that is
answered, and `over` once no more of them are.
"""

import asyncio
import sys
from pathlib import Path

from jackfield.messages import Usage
from jackfield.testing import run_gateway
from jackfield.testing.provider import Reply

TOML = """
[providers.openai]
base_url = "http://127.0.0.1:9/v1"

[prices."fake/*"]
input = 1.0
output = 2.0

[plugins.budgets.limits.all]
limit = "0.20"
"""


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def spend(folder: Path) -> None:
    body = {
        "model": "fake/echo",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    async with run_gateway(TOML, directory=folder) as client:
        client.fake.always(Reply(("Hi",), usage=Usage(500, 250)))
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        refused = 0
        while refused < 5:
            answer = await client.post("/v1/chat/completions", json=body)
            refused += answer.status == 429
            if answer.status == 200:
                say("spent")
            if answer.status == 429:
                await asyncio.sleep(0.3)
        say("over")
        await asyncio.Event().wait()


asyncio.run(spend(Path(sys.argv[1])))
