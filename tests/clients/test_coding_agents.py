"""Coding agents at the gateway: a prompt on each vendor, and a tool called through another one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.agents import Agent, each_agent
from tests.clients.gateway import serving
from tests.clients.serving import serving_in_a_thread
from tests.clients.tool_caller import ToolCaller
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor
from tests.corpus import needs_corpus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
SECRET = "quagga-7741"
SCRIPTED = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic", "gemini"]
[providers.scripted]
use = "openai"
base_url = "URL/v1"
keys = ["env:UPSTREAM_KEY"]
models = ["model"]
dialects = ["openai.chat"]
"""
each_of_four = pytest.mark.parametrize(
    "vendor",
    [VENDORS[name] for name in ("openai", "openai_responses", "anthropic", "gemini")],
    ids=lambda vendor: vendor.name,
)


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ToolCaller, str]]:
    """An upstream that calls tools, and the URL of a gateway before it."""
    caller = ToolCaller()
    with serving_in_a_thread(caller.answer) as url:
        folder = tmp_path_factory.mktemp("scripted")
        with serving(folder, SCRIPTED.replace("URL", url)) as gateway:
            yield caller, gateway


@needs_corpus
@each_of_four
@each_agent
def test_an_agent_answers_a_prompt(
    agent: Agent, vendor: Vendor, upstream: Upstream, gateway: str, tmp_path: Path
) -> None:
    recorded = vendor.recorded("stream")
    upstream.offers(recorded)
    printed = agent.ask("hello", tmp_path, gateway, vendor.model)
    assert recorded.text.split("\n")[0][:20] in printed


@each_agent
def test_an_agent_reads_a_file_for_a_model_of_another_protocol(
    agent: Agent, caller: tuple[ToolCaller, str], tmp_path: Path
) -> None:
    script, gateway = caller
    (tmp_path / "note.txt").write_text(f"{SECRET}\n")
    name, arguments = agent.reads
    script.name, script.arguments = name, arguments.replace("FOLDER", str(tmp_path))
    script.secret = SECRET
    printed = agent.ask("What does note.txt say?", tmp_path, gateway, "scripted/model")
    assert f"It says {SECRET}." in printed
