"""Where a key is found in a request, and where it must not be."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield.http import HttpRequest
from jackfield.testing import Answer
from jackfield_virtual_keys.key_text import new_key_text, written

DOORS = '[server]\nfront_doors = ["openai", "anthropic", "gemini", "bedrock", "azure", "vertex"]'
OTHER = written(new_key_text())
CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}
CONTENTS = {"contents": [{"parts": [{"text": "Hello"}]}]}


@pytest.fixture
async def office(office_with: Any) -> AsyncIterator[Any]:
    async with office_with(
        more=f"{DOORS}\n[providers.demo]\n[models.named]\ntargets=['demo/echo']"
    ) as office:
        await office.create("organizations", name="acme", permissions=["*"])
        yield office


async def text_of(answer: Answer) -> str:
    return (await answer.read()).decode()


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/v1/chat/completions", "authorization: Bearer {}"),
        ("/v1/chat/completions", "Authorization: bearer  {} "),
        ("/azure/openai/deployments/named/chat/completions?api-version=1", "api-key: {}"),
        ("/v1/messages", "x-api-key: {}"),
        ("/anthropic/v1/messages", "x-api-key: {}"),
        ("/gemini/v1beta/models/named:generateContent", "x-goog-api-key: {}"),
        ("/bedrock/model/named/converse", "authorization: Bearer {}"),
        (
            "/bedrock/model/named/converse",
            "authorization: AWS4-HMAC-SHA256 Credential={}/20260102/us-east-1/bedrock/aws4_request,"
            " SignedHeaders=host;x-amz-date, Signature=0123",
        ),
    ],
)
async def test_each_sdk_puts_its_key_where_it_always_does(
    office: Any, path: str, header: str
) -> None:
    name, _, value = header.partition(": ")
    body = _body_for(path)
    answer = await office.client.post(
        path, json=body, headers={name: value.format(await office.key())}
    )
    assert answer.status == 200, await answer.read()
    assert "Hello" in await text_of(answer)


def _body_for(path: str) -> dict[str, Any]:
    if "generateContent" in path:
        return CONTENTS
    if "converse" in path:
        return {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}
    return {**CHAT, "model": "named", "max_tokens": 20}


async def test_googles_clients_may_have_it_in_the_query_from_which_it_is_cut(office: Any) -> None:
    key = await office.key()
    path = f"/gemini/v1beta/models/named:streamGenerateContent?alt=sse&key={key}"
    answer = await office.client.post(path, json=CONTENTS)
    assert answer.status == 200
    await answer.read()
    exchange = office.client.settled[-1].exchange
    assert exchange.request.query == "alt=sse"
    assert key[16:] not in office.client.log()


@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("POST", "/revoke")])
async def test_who_administers_with_a_whole_key_gets_its_id(
    office: Any, method: str, more: str
) -> None:
    key = await office.key()
    answer = await office.admin.send(method, f"/jackfield/keys/{key}{more}", json=None)
    shown = (await answer.json())["error"]
    assert (answer.status, shown["param"]) == (400, "id")
    assert f"by its id, here {key[3:15]}" in shown["message"]
    assert key not in shown["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/chat/completions?key={}",
        "/v1/chat/completions?api_key={}",
        "/v1/models/{}",
        "/v1/models/%6a%66-{0[3]}{0[4]}{0[5]}{0[6]}-x",
        "/gemini/v1beta/models/named:generateContent?api_key={}",
        "/azure/openai/deployments/{}/chat/completions",
    ],
)
async def test_a_key_elsewhere_in_a_url_is_refused_and_not_repeated(office: Any, path: str) -> None:
    key = await office.key()
    for headers in ({}, {"authorization": f"Bearer {key}"}):
        method = "GET" if "/v1/models" in path else "POST"
        answer = await office.client.send(method, path.format(key), json=CHAT, headers=headers)
        shown = await text_of(answer)
        assert answer.status in (400, 401), shown
        assert "must not be in a URL" in shown
        assert key[:15] not in shown


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}", "x-api-key": OTHER},
        {"authorization": "Bearer {}", "api-key": "any"},
        {"x-goog-api-key": "{}", "x-api-key": "sk-1234"},
    ],
    ids=" and ".join,
)
async def test_two_keys_are_one_too_many(office: Any, headers: Mapping[str, str]) -> None:
    key = await office.key()
    given = {name: text.format(key) for name, text in headers.items()}
    answer = await office.client.post("/v1/chat/completions", json=CHAT, headers=given)
    assert answer.status == 401
    assert "several different keys" in await text_of(answer)


@pytest.mark.parametrize(
    ("query", "status"), [("key={}", 200), (f"key={OTHER}", 401)], ids=["the same", "another"]
)
async def test_a_key_in_the_query_and_another_in_a_header_are_one_too_many(
    office: Any, query: str, status: int
) -> None:
    key = await office.key()
    answer = await office.client.get(
        f"/gemini/v1beta/models?{query.format(key)}", headers={"x-goog-api-key": key}
    )
    assert answer.status == status, await text_of(answer)


async def test_a_signature_and_a_key_beside_it_are_one_too_many(office: Any) -> None:
    key = await office.key()
    for second, status in ((key, 200), (OTHER, 401)):
        signed = f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/bedrock/aws4_request"
        headers = {"authorization": signed, "x-api-key": second}
        answer = await office.client.get("/v1/models", headers=headers)
        assert answer.status == status


async def test_a_header_that_is_repeated_counts_each_time(office: Any) -> None:
    key = await office.key()
    for second, status in ((key, 200), (OTHER, 401)):
        headers = CIMultiDict(host="127.0.0.1", authorization=f"Bearer {key}")
        headers.add("authorization", f"Bearer {second}")
        call = HttpRequest("GET", "/v1/models", "", CIMultiDictProxy(headers), b"")
        assert (await office.gateway.handle(call)).status == status


async def test_one_key_in_two_places_is_one_key(office: Any) -> None:
    key = await office.key()
    headers = {"authorization": f"Bearer {key}", "x-api-key": key, "api-key": ""}
    answer = await office.client.get("/v1/models", headers=headers)
    assert answer.status == 200


@pytest.mark.parametrize("line", ["Basic dXNlcjpwYXNz", "Negotiate x", "Digest y", "jf-"])
async def test_other_ways_to_prove_who_one_is_are_refused(office: Any, line: str) -> None:
    answer = await office.client.get("/v1/models", headers={"authorization": line})
    assert answer.status == 401
    assert "Authorization: Bearer jf-" in await text_of(answer)


@pytest.mark.parametrize("line", ["", "Bearer", "Bearer  "])
async def test_an_empty_header_is_no_key(office: Any, line: str) -> None:
    answer = await office.client.get("/v1/models", headers={"authorization": line})
    assert answer.status == 401
    assert "A key of the gateway is required" in await text_of(answer)


async def test_who_can_send_no_headers_offers_a_protocol_with_the_key_in_it(office: Any) -> None:
    key = await office.key()
    for text, status in ((key, 404), (key[:-1], 401)):
        offered = f"realtime, openai-insecure-api-key.{text}, openai-beta.realtime-v1"
        headers = CIMultiDictProxy(
            CIMultiDict(
                {"host": "127.0.0.1", "upgrade": "websocket", "sec-websocket-protocol": offered}
            )
        )
        socket: Any = object()  # no session begins, so that it is not used
        call = HttpRequest("GET", "/v1/realtime", "model=x", headers, b"", websocket=socket)
        answer = await office.gateway.handle(call)
        assert answer.status == status, answer.body


async def test_no_header_with_a_key_goes_to_the_provider(office: Any) -> None:
    key = await office.key()
    assert (await office.ask(key)).status == 200
    assert key not in str(office.client.fake.requests[-1])


async def test_a_key_in_what_is_recorded_is_refused_and_not_repeated(office: Any) -> None:
    key = await office.key()
    tags = {"x-jackfield-metadata": f'{{"session": "{OTHER}"}}'}
    for answer in (
        await office.ask(key, OTHER),
        await office.ask(key, f"demo/{key}"),
        await office.ask(key, "fake/echo", headers=tags),
        await office.change("organizations/acme", metadata={"note": key}),
        await office.admin.post("/jackfield/keys", json={"organization": "acme", "name": key}),
    ):
        shown = await text_of(answer)
        assert answer.status == 400, shown
        assert "Replace this key" in shown
        assert key[16:] not in shown
        assert OTHER[16:] not in shown
