"""A recorded exchange: what a real server answered, and what a real client requested."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jackfield.messages import Text
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_tgi import COMPAT

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("JACKFIELD_CORPUS", ROOT.parent / "shared" / "corpus"))
FOLDER = CORPUS / "exchanges" / "huggingface_tgi"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no recorded traffic; JACKFIELD_CORPUS names its folder"
)


@pytest.fixture(params=sorted(FOLDER.rglob("*.json")), ids=lambda file: file.stem)
def recorded(request: pytest.FixtureRequest) -> Any:
    return json.loads(request.param.read_text())


def test_a_recorded_answer_is_read(recorded: Any) -> None:
    answer = recorded["response"]["body"][0]
    read = COMPAT.parse_response(json.dumps([answer]).encode())
    assert read.choices[0].message.parts == (Text(answer["generated_text"]),)
    assert read.choices[0].finish_reason == "stop"
    assert read.usage is not None
    assert read.usage.output_tokens == answer["details"]["generated_tokens"]


def test_a_recorded_request_is_read(recorded: Any) -> None:
    sent = recorded["request"]["body"]
    read = COMPAT.parse_request(sent, {})
    assert read.messages[0].parts == (Text(sent["inputs"]),)
    given = sent["parameters"]
    assert (read.max_tokens, read.temperature) == (given["max_new_tokens"], given["temperature"])
    assert read.extensions == {"tgi.generate": {"typical_p": given["typical_p"]}}


async def test_a_recorded_exchange_passes_through(recorded: Any) -> None:
    sent = json.dumps(recorded["request"]["body"]).encode()
    answer = json.dumps(recorded["response"]["body"][0]).encode()
    async with FakeUpstream() as server:
        toml = f'[providers.tgi]\nbase_url = "{server.base_url}"'
        async with run_gateway(toml) as client:
            server.reply(answer, headers={"content-type": "application/json"})
            got = await client.post("/tgi", body=sent)
            assert await got.json() == recorded["response"]["body"]
            assert client.settled[-1].outcome.usage is not None
        assert server.requests[0].body == sent


async def test_a_recorded_question_reaches_another_vendor(recorded: Any) -> None:
    async with run_gateway("[providers.tgi]") as client:
        answer = await client.post("/tgi/models/fake/echo", json=recorded["request"]["body"])
        assert (await answer.json())[0]["generated_text"] == recorded["request"]["body"]["inputs"]
        assert answer.headers["x-jackfield-target"] == "fake/echo"
