"""A process that is killed in the middle of a request."""

import asyncio
import re
import signal
import sys
from pathlib import Path
from typing import Any

import httpx

from jackfield.testing import FakeUpstream, Gate

from .conftest import Opened


async def test_a_promise_of_a_killed_process_stands_in_the_records(
    opened: Opened, tmp_path: Path
) -> None:
    async with FakeUpstream() as upstream:
        gate = Gate()
        upstream.reply(b"{}", gate=gate)
        toml = (
            '[server]\nbind = "127.0.0.1:0"\nadmin = ""\n[plugins.usage]\n[providers.up]\n'
            f'use = "openai"\nbase_url = "{upstream.base_url}"\n'
            '[prices."up/*"]\ninput = 3\noutput = 15\n'
        )
        path = tmp_path / "jackfield.toml"
        path.write_text(toml)
        await _killed_in_the_middle(path, gate)
    async with opened(toml) as office:
        records: list[dict[str, Any]] = []
        while not records:  # what the dead have left is looked for every second
            records = await office.records()
    (record,) = records
    assert (record["basis"], record["provider"], record["model"]) == ("presumed", "up", "m")
    assert record["tokens"]["output_tokens"] == 50
    assert record["cost"] == record["tokens"]["input_tokens"] * 3_000 + 50 * 15_000


async def _killed_in_the_middle(path: Path, gate: Gate) -> None:
    command = (sys.executable, "-m", "jackfield", "serve", "--config", str(path))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    found = None
    while found is None:
        found = re.search(rb"serving on (\S+?);", await process.stderr.readline())
    url = f"http://{found[1].decode()}/v1/chat/completions"
    body = {"model": "up/m", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
    async with httpx.AsyncClient(timeout=30) as client:
        asking = asyncio.create_task(client.post(url, json=body))
        await gate.reached()
        process.send_signal(signal.SIGKILL)
        await asyncio.gather(asking, return_exceptions=True)
    await process.communicate()
