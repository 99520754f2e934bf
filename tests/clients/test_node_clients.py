"""The npm clients at the gateway, each question in a process of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor
from tests.clients.weather import RESULT, City, holds
from tests.corpus import needs_corpus

SCRIPTS = Path(__file__).with_name("node")
MODULES = Path(os.environ.get("JACKFIELD_NODE_MODULES", SCRIPTS / "node_modules"))
NODE = shutil.which("node")
SDKS = ("openai", "anthropic", "google", "bedrock", "cohere", "mistral", "ollama")
DOORS = ("chat", "responses", "anthropic", "google")

pytestmark = [
    pytest.mark.slow,
    needs_corpus,
    pytest.mark.skipif(NODE is None, reason="no node"),
    pytest.mark.skipif(
        not (MODULES / "ai").is_dir(),
        reason=f"no packages at {MODULES}: `npm install --no-package-lock` in {SCRIPTS}",
    ),
]
each_client = pytest.mark.parametrize(
    "client",
    [*((f"{sdk}.mjs",) for sdk in SDKS), *(("ai.mjs", door) for door in DOORS)],
    ids="-".join,
)
each_of_five = pytest.mark.parametrize(
    "vendor",
    [VENDORS[name] for name in ("openai", "openai_responses", "anthropic", "gemini", "bedrock")],
    ids=lambda vendor: vendor.name,
)


@pytest.fixture
def run_script(client: tuple[str, ...], gateway: str, vendor: Vendor, tmp_path: Path) -> Any:
    """Runs a client's script, and gives what it prints."""
    script, *door = client
    shutil.copy(SCRIPTS / script, tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)

    def run(kind: str, tool: str = "weather") -> Any:
        command = [str(NODE), script, kind, gateway, vendor.model, tool, *door]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return run


@each_of_five
@each_client
def test_a_chat_is_answered(run_script: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    assert run_script("answer") == {"text": recorded.text, "finish": "stop"}


@each_of_five
@each_client
def test_a_chat_is_streamed(run_script: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    assert run_script("stream") == {"text": recorded.text, "finish": "stop"}


@each_of_five
@each_client
def test_a_tool_is_called_and_its_result_goes_back(
    run_script: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    ((name, arguments),) = recorded.calls
    assert run_script("call", name) == {"calls": [[name, arguments]], "text": after.text}
    assert holds(upstream.received[-1], RESULT, name)


@each_of_five
@each_client
def test_an_answer_is_an_object(run_script: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    assert City.model_validate(run_script("object")["object"]) == City.model_validate(
        recorded.object
    )


@each_of_five
@each_client
def test_a_refusal_is_an_error_of_the_client(
    run_script: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    assert run_script("error") == {"api_error": True, "status": recorded.status}
