"""What the process shows of itself: no secret in what is printed, and no core to be found."""

import gc
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

from tests.security.conftest import KEY

from jackfield.exchange import Exchange
from jackfield.http import HttpRequest, HttpResponse
from jackfield.keys import KeyRing, LiveKey
from jackfield.secrets import Secret
from jackfield.testing import FakeUpstream, GatewayClient

PROMPT = "my number is 555-0142-CANARY"
OURS = ("jackfield", "jackfield_openai")
ASK_LIMIT = """
import resource, sys
from jackfield import _serve
_serve.keep_memory_private()
print(resource.getrlimit(resource.RLIMIT_CORE))
"""


async def test_nothing_of_ours_prints_a_secret_or_a_prompt(
    client: GatewayClient, upstream: FakeUpstream
) -> None:
    json = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"Authorization": "Bearer client-7f3Qw9ZtLm2XcV5b"}
    await client.post("/v1/chat/completions", json=json, headers=headers)
    assert upstream.requests
    kinds = (Exchange, HttpRequest, HttpResponse, KeyRing, LiveKey, Secret)
    seen = set()
    for each in gc.get_objects():
        kind = type(each)
        if kind.__module__.partition(".")[0] in OURS and not kind.__module__.startswith(
            "jackfield.testing"
        ):
            seen.add(kind)
            shown = f"{each!r} {each!s}"
            for secret in (KEY, KEY[4:12], PROMPT, "client-7f3Qw9"):
                assert secret not in shown, kind
    assert LiveKey in seen
    assert seen & set(kinds)


def test_no_core_is_dumped_by_a_gateway() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", ASK_LIMIT], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "(0, 0)"


def test_a_crash_says_where_and_not_with_what(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\n"
        "from jackfield._serve import tell_of_crashes\n"
        "tell_of_crashes()\n"
        "def answer(prompt):\n    os.kill(os.getpid(), signal.SIGABRT)\n"
        f"answer({PROMPT!r} + os.environ['ACME_KEY'])\n"
    )
    script = tmp_path / "crash.py"
    script.write_text(code)
    resource.getrlimit(resource.RLIMIT_CORE)
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
