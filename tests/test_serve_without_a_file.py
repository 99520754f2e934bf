"""The first minute: `jackfield serve` without a file, and a client that knows only its address."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from openai import NotFoundError, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

KEYS = ("_API_KEY", "JACKFIELD_")
SERVING = re.compile(r"serving on (\S+);")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """The SDK of OpenAI, at a gateway in an empty folder and an environment without keys."""
    environment = {k: v for k, v in os.environ.items() if not any(word in k for word in KEYS)}
    command = [sys.executable, "-m", "jackfield", "serve", "--bind", "127.0.0.1:0"]
    folder = tmp_path_factory.mktemp("empty")
    with subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            url = f"http://{next(filter(None, map(SERVING.search, process.stderr)))[1]}/v1"
            with OpenAI(base_url=url, api_key="unused", max_retries=0) as client:
                yield client
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_demo_answers(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo/echo", messages=[{"role": "user", "content": "Hello"}]
    )
    assert answer.choices[0].message.content == "You said: Hello"


def test_the_demo_answers_as_a_stream(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="demo/echo", messages=[{"role": "user", "content": "one two"}], stream=True
    )
    texts = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(texts) == "You said: one two"


def test_a_model_is_answered_for_but_not_an_unknown_provider(client: OpenAI) -> None:
    hello: ChatCompletionUserMessageParam = {"role": "user", "content": "Hello"}
    answer = client.chat.completions.create(model="gpt-5.4", messages=[hello])
    assert answer.choices[0].message.content
    with pytest.raises(NotFoundError, match=r"no model 'nosuch/gpt-5.4'. Known here: demo/"):
        client.chat.completions.create(model="nosuch/gpt-5.4", messages=[hello])


def test_the_models_are_listed(client: OpenAI) -> None:
    assert "demo/chat" in [model.id for model in client.models.list()]


@pytest.mark.parametrize("path", ["chat/completions/", "chat//completions", "chat%0Acompletions"])
def test_a_path_that_is_not_served_is_refused_in_openais_form(client: OpenAI, path: str) -> None:
    with pytest.raises(NotFoundError, match="segments") as refused:
        client.post(path, body={}, cast_to=object)
    assert refused.value.code == "not_found"
