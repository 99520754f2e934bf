"""Which models a key that is limited to some can reach, by any word of a request."""

from typing import Any

import pytest

FORM = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n--b--\r\n'


@pytest.mark.parametrize(("model", "refused"), [(b"fake/echo", False), (b"fake/large", True)])
async def test_a_form_is_judged_by_the_model_that_it_names(
    office_with: Any, model: bytes, refused: bool
) -> None:
    async with office_with(more='[providers.openai]\nbase_url = "http://127.0.0.1:9/v1"') as office:
        await office.create("organizations", name="acme", permissions=["*"])
        key = await office.key(models=["fake/e*"])
        media = "multipart/form-data; boundary=b"
        headers = {"authorization": f"Bearer {key}", "content-type": media}
        path = "/v1/audio/transcriptions"
        answer = await office.client.post(path, body=FORM % model, headers=headers)
        assert (answer.status == 403) is refused
        assert answer.status != 500


async def test_a_pattern_for_a_model_does_not_open_what_is_named_besides(office: Any) -> None:
    key = await office.key(models=["echo*"])
    assert (await office.ask(key, "fake/echo", models=["large"])).status == 403
    assert (await office.ask(key, "echo", models=["large"])).status == 403


@pytest.mark.parametrize(
    "more",
    [
        {"fallback_models": ["large"]},
        {"fallbacks": [{"fake/echo": ["large"]}]},
        {"agent_id": "large"},
        {"tools": [{"type": "namespace", "tools": [{"model": "large"}]}]},
        {"tools": [{"type": "openrouter:advisor", "parameters": {"model": "large"}}]},
        {"providerOptions": {"gateway": {"models": ["large"]}}},
        {"plugins": [{"id": "fusion", "analysis_models": ["large"]}]},
        {"compound_custom": {"models": {"answering_model": "large"}}},
    ],
)
async def test_other_words_for_other_models_are_judged_too(
    office: Any, more: dict[str, Any]
) -> None:
    key = await office.key(models=["fake/e*"])
    assert (await office.ask(key, **more)).status == 403


async def test_what_the_schema_of_a_tool_calls_a_model_is_none(office: Any) -> None:
    key = await office.key(models=["fake/e*"])
    schema = {"properties": {"model": {"type": "string", "default": "T"}}, "required": ["model"]}
    tool = {"type": "function", "function": {"name": "buy", "parameters": schema}}
    assert (await office.ask(key, tools=[tool])).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/realtime/client_secrets", {"session": {"type": "realtime", "model": "large"}}),
        ("/v1/evals/e/runs", {"data_source": {"model": "large"}}),
        ("/v1/messages/batches", {"requests": [{"params": {"model": "large"}}]}),
        ("/v1/batches", {"input_file_id": "file-1"}),
    ],
)
async def test_what_is_passed_through_names_models_anywhere(
    office_with: Any, path: str, body: dict[str, Any]
) -> None:
    more = '[server]\nfront_doors = ["openai", "anthropic"]\n[providers.openai]\n'
    more += 'base_url = "http://127.0.0.1:9/v1"'
    async with office_with(more=more) as office:
        await office.create("organizations", name="acme", permissions=["*"])
        key = await office.key(models=["fake/e*"])
        headers = {"authorization": f"Bearer {key}"}
        body = {"model": "fake/echo", **body}
        assert (await office.client.post(path, json=body, headers=headers)).status == 403
