"""What the process shows of itself: no secret in what is printed, and no core to be found."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.security.conftest import KEY
from tests.security.wire import CHAT, Wire

from jackfield._client.connection import Connection
from jackfield._server.connection import Connection as ServerConnection
from jackfield.exchange import Exchange
from jackfield.http import HttpRequest
from jackfield.keys import KeyRing, LiveKey
from jackfield.testing import FakeUpstream, GatewayClient

PROMPT = "my number is 555-0142-CANARY"
PACKAGES = ("jackfield", "jackfield_openai")
PRINT_LIMIT = """
import resource, sys
from jackfield import _serve
_serve.keep_memory_private()
print(resource.getrlimit(resource.RLIMIT_CORE))
"""


async def test_no_object_of_the_gateway_prints_a_secret_or_a_prompt(
    wire: Wire, client: GatewayClient, upstream: FakeUpstream
) -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "%b"}]}' % PROMPT.encode()
    headers = {"Authorization": "Bearer client-7f3Qw9ZtLm2XcV5b"}
    kept = await client.post(CHAT, body=body, headers=headers)
    _, unfinished = await asyncio.open_connection("127.0.0.1", wire.port)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: client-7f3Qw9\r\n"
    unfinished.write(head.encode() + b"Content-Length: 999\r\n\r\n" + body)
    assert (await wire.request(body=body, headers=headers)).status == kept.status == 200
    seen = set()
    for each in gc.get_objects():
        kind = type(each)
        module = str(getattr(kind, "__module__", ""))
        if module.partition(".")[0] in PACKAGES and not module.startswith("jackfield.testing"):
            seen.add(kind)
            shown = f"{each!r} {each!s}"
            for secret in (KEY, KEY[4:12], PROMPT, "client-7f3Qw9"):
                assert secret not in shown, kind
    assert {Exchange, HttpRequest, KeyRing, LiveKey, Connection, ServerConnection} <= seen
    unfinished.close()


def test_no_core_is_dumped_by_a_gateway() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PRINT_LIMIT], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "(0, 0)"


def test_a_crash_says_where_and_not_with_what(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from jackfield._serve import enable_crash_reports\n"
        "enable_crash_reports()\n"
        "def answer(prompt):\n    os.kill(os.getpid(), signal.SIGABRT)\n"
        f"answer({PROMPT!r} + os.environ['ACME_KEY'])\n"
    )
    script = tmp_path / "crash.py"
    script.write_text(code)
    ran = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ACME_KEY": KEY},
    )
    assert ran.returncode == -signal.SIGABRT
    assert "in answer" in ran.stderr
    assert PROMPT not in ran.stderr
    assert KEY not in ran.stderr
