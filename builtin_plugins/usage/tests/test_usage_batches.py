"""Batches: what their results say was used is recorded once, for whom they were made."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from attrs import define, evolve

from jackfield.prices import Cost
from jackfield.testing import Answer, FakeUpstream
from jackfield.testing.gateway import admin_of, client_of, observed_gateway
from jackfield.testing.provider import Gate
from jackfield_usage import UsageRecords, batch_results
from jackfield_usage.batch_results import Results
from jackfield_usage.batches import Batch

from .conftest import Office

TOML = """
[server]
front_doors = ["openai", "anthropic", "gemini"]

[providers.openai]
base_url = "{url}/v1"
keys = ["env:UPSTREAM_KEY"]

[providers.anthropic]
base_url = "{url}"
keys = ["env:UPSTREAM_KEY"]

[providers.gemini]
base_url = "{url}"
keys = ["env:UPSTREAM_KEY"]

[plugins.virtual_keys]
[plugins.virtual_keys.organizations.acme]
permissions = ["*"]
[plugins.virtual_keys.teams.search]
organization = "acme"
[plugins.virtual_keys.teams.support]
organization = "acme"

[plugins.budgets]
unpriced = "allow"

[plugins.budgets.limits.search]
scope = "team:search"
limit = "1.00"

[plugins.usage]

[prices."openai/small"]
input = 2.00
output = 8.00

[prices."openai/small".when.batch]
input = 1.00
output = 4.00
"""


DEEP = b'{"custom_id":"1","response":' + b"[" * 99_999 + b"\n"


def line(number: int, model: str = "small") -> bytes:
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    body = {"object": "chat.completion", "model": model, "choices": [], "usage": usage}
    response = {"status_code": 200, "request_id": f"r{number}", "body": body}
    result = {"id": f"batch_req_{number}", "custom_id": str(number), "response": response}
    return msgspec.json.encode(result) + b"\n"


FAILED = b'{"id":"x","custom_id":"9","response":{"status_code":400,"body":{"error":{}}}}\n'
RESULTS = line(1) + line(2) + FAILED + line(3).rstrip()
BATCH = b'{"id":"batch_1","object":"batch","status":"completed","output_file_id":"file-out"}'


@define(eq=False)
class Shop:
    """A gateway before a provider with batches, and a key of each of two teams."""

    office: Office
    upstream: FakeUpstream
    keys: dict[str, str]

    async def ask(self, team: str, method: str, path: str, reply: bytes, **head: str) -> Answer:
        self.upstream.reply(reply, headers={"content-type": "application/json", **head})
        headers = {"authorization": f"Bearer {self.keys[team]}"}
        fields = {"input_file_id": "file-in"} if method == "POST" else None
        answer = await self.office.client.send(method, path, json=fields, headers=headers)
        assert await answer.read() == reply
        return answer


@pytest.fixture
async def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setenv("UPSTREAM_KEY", "sk-upstream")
    async with FakeUpstream() as upstream:
        gateway = observed_gateway(TOML.replace("{url}", upstream.base_url), directory=tmp_path)
        async with gateway:
            office = Office(gateway, client_of(gateway), admin_of(gateway))
            keys = {}
            for team in ("search", "support"):
                answer = await office.admin.post("/jackfield/keys", json={"team": team})
                keys[team] = (await answer.json())["key"]
            yield Shop(office, upstream, keys)


STREAMED = {"content-type": "application/octet-stream"}


@pytest.mark.parametrize("head", [{}, STREAMED])
async def test_results_are_recorded_once_at_the_rate_of_batches(
    shop: Shop, head: dict[str, str]
) -> None:
    for team in ("support", "support", "search"):
        await shop.ask(team, "GET", "/v1/files/file-out/content", RESULTS, **head)
    (record,) = await shop.office.records()
    assert record["tokens"] == {"input_tokens": 300, "output_tokens": 30}
    assert (record["cost"], record["tier"], record["basis"]) == (420_000, "batch", "reported")
    (row,) = await shop.office.rows("by=team,model")
    assert (row["team"], row["model"], row["cost_nano"]) == ("support", "small", 420_000)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/file-out/conten%74",
        "/v1/files/file-out%2Fcontent",
        "/v1/files/%66ile-out/content",
    ],
)
async def test_an_escaped_path_of_results_is_no_way_around_their_record(
    shop: Shop, path: str
) -> None:
    for requested_path in (path, "/v1/files/file-out/content"):
        await shop.ask("search", "GET", requested_path, RESULTS, **STREAMED)
        assert shop.upstream.requests[-1].path == "/v1/files/file-out/content"
        (record,) = await shop.office.records()
        assert record["cost"] == 420_000


async def test_a_batch_is_its_makers_whoever_fetches_the_results(shop: Shop) -> None:
    await shop.ask("search", "POST", "/v1/batches", BATCH.replace(b'"file-out"', b"null"))
    await shop.ask("support", "GET", "/v1/batches/batch_1", BATCH)
    await shop.ask("support", "GET", "/v1/files/file-out/content", RESULTS)
    (row,) = await shop.office.rows("by=team")
    assert (row["team"], row["cost_nano"]) == ("search", 420_000)
    budgets = await shop.office.ask("/jackfield/budgets")
    assert [one["spent"] for one in budgets["data"]] == ["0.00042 dollars"]


async def test_results_of_a_vendor_that_has_them_at_the_batch_are_recorded_too(shop: Shop) -> None:
    used = {"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 5}
    message = {"type": "message", "model": "claude", "content": [], "usage": used}
    result = {"custom_id": "1", "result": {"type": "succeeded", "message": message}}
    results = msgspec.json.encode(result) + b'\n{"custom_id":"2","result":{"type":"expired"}}\n'
    path = "/anthropic/v1/messages/batches/b_1/results"
    for _ in range(2):
        await shop.ask("search", "GET", path, results, **STREAMED)
    (record,) = await shop.office.records()
    assert (record["provider"], record["model"]) == ("anthropic", "claude")
    assert record["tokens"]["input_tokens"] == 10
    assert record["tokens"]["cached_input_tokens"] == 3


def google(number: int) -> Any:
    used = {"promptTokenCount": 7, "candidatesTokenCount": 5, "thoughtsTokenCount": number}
    return {"candidates": [], "usageMetadata": used, "modelVersion": "gemini-2.5-flash"}


def operation(**output: Any) -> bytes:
    result = {"name": "batches/b1", "metadata": {"model": "models/gemini-2.5-flash"}, "done": True}
    return msgspec.json.encode(result | {"response": output})


async def test_results_that_google_has_in_a_file_are_recorded(shop: Shop) -> None:
    lines = [{"key": str(n), "response": google(n)} for n in (1, 2)]
    results = msgspec.json.Encoder().encode_lines([*lines, {"key": "3", "error": {"code": 3}}])
    path = "/gemini/v1beta/files/batch-b1:download?alt=media"
    for _ in range(2):
        await shop.ask("search", "GET", path, results, **STREAMED)
    (record,) = await shop.office.records()
    assert (record["model"], record["tier"]) == ("gemini-2.5-flash", "batch")
    assert record["tokens"] == {"input_tokens": 14, "output_tokens": 13, "reasoning_tokens": 3}


async def test_a_batch_of_google_is_its_makers_whoever_fetches_the_results(shop: Shop) -> None:
    making = "/gemini/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    await shop.ask("search", "POST", making, operation())
    assert await shop.office.records() == []
    done = operation(responsesFile="files/batch-b1")
    await shop.ask("support", "GET", "/gemini/v1beta/batches/b1", done)
    results = msgspec.json.encode({"key": "1", "response": google(1)})
    await shop.ask("support", "GET", "/gemini/v1beta/files/batch-b1:download", results)
    (row,) = await shop.office.rows("by=team")
    assert row["team"] == "search"


async def test_results_in_googles_batch_are_recorded(shop: Shop) -> None:
    answers = [{"response": google(1)}, {"error": {"code": 3}}, {"response": google(2)}]
    batch = operation(inlinedResponses={"inlinedResponses": answers})
    for path in ("batches/b1", "batches/b1", "batches"):
        listed = b'{"operations":[' + batch + b"]}"
        reply = listed if path == "batches" else msgspec.json.format(batch)
        await shop.ask("search", "GET", f"/gemini/v1beta/{path}", reply)
    (record,) = await shop.office.records()
    assert (record["provider"], record["tokens"]["output_tokens"]) == ("gemini", 13)


async def test_vectors_in_googles_batch_are_recorded(shop: Shop) -> None:
    vector = {"response": {"embedding": {"values": [0.5]}, "tokenCount": "12"}}
    batch = operation(inlinedEmbedContentResponses={"inlinedResponses": [vector, vector]})
    await shop.ask("search", "GET", "/gemini/v1beta/batches/b1", batch)
    (record,) = await shop.office.records()
    assert (record["model"], record["tokens"]) == ("gemini-2.5-flash", {"input_tokens": 24})


async def test_whose_a_batch_is_is_kept_as_long_as_records(shop: Shop) -> None:
    gateway, place = shop.office.gateway, "usage-batch/openai/batch_1"
    (usage,) = [one for one in gateway.loaded.plugins if isinstance(one, UsageRecords)]
    assert usage._batches._keep == usage.config.keep_days * 86_400
    usage._batches = evolve(usage._batches, keep=0)
    await shop.ask("search", "POST", "/v1/batches", BATCH)
    assert await gateway.setup.store.get("", place) is None


async def recorded(shop: Shop) -> list[int]:
    """The output tokens of the records, after those that are being written."""
    (usage,) = [one for one in shop.office.gateway.loaded.plugins if isinstance(one, UsageRecords)]
    await usage._batches.stop()
    return [one["tokens"].get("output_tokens", 0) for one in await shop.office.records()]


async def test_results_that_break_off_are_recorded_as_far_as_they_came_and_then_the_rest(
    shop: Shop,
) -> None:
    path, head = "/v1/files/file-out/content", {"authorization": f"Bearer {shop.keys['search']}"}
    for count in (2, 1):
        lines = [line(number) for number in range(count)]
        shop.upstream.reply(lines, headers=STREAMED, framing="cut")
        with pytest.raises(ConnectionError):
            await (await shop.office.client.get(path, headers=head)).read()
        assert await recorded(shop) == [20]
    for _ in range(2):
        await shop.ask("search", "GET", path, RESULTS)
        assert await recorded(shop) == [20, 10]
    (row,) = await shop.office.rows("by=team")
    assert (row["requests"], row["cost_nano"]) == (1, 420_000)
    budgets = await shop.office.ask("/jackfield/budgets")
    assert [one["spent"] for one in budgets["data"]] == ["0.00042 dollars"]


async def test_a_client_that_leaves_before_the_end_is_charged_for_what_it_has(shop: Shop) -> None:
    path, head = "/v1/files/file-out/content", {"authorization": f"Bearer {shop.keys['search']}"}
    parts, media = [line(1) + line(2).rstrip(), b"\n"], STREAMED["content-type"]
    shop.upstream.stream(parts, content_type=media, gate=Gate(), at=1)
    answer = await shop.office.client.get(path, headers=head)
    await anext(answer.batches())
    await answer.disconnect()
    assert await recorded(shop) == [20]


async def test_each_model_of_a_batch_has_a_record_and_all_are_one_request(shop: Shop) -> None:
    results = line(1) + line(2, "large") + line(3)
    await shop.ask("search", "GET", "/v1/files/file-out/content", results)
    rows = await shop.office.rows("by=model")
    found = {row["model"]: (row["requests"], row["input_tokens"]) for row in rows}
    assert found == {"small": (1, 200), "large": (0, 100)}
    (total,) = await shop.office.rows("by=team")
    assert total["price_missing"] == 0


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,2\n", b'{"custom_id":"1","body":{}}\n', b"\xff\n", b"", b"no line" * 9_999, DEEP],
    ids=["a table", "requests", "bytes", "nothing", "no line", "nested without end"],
)
async def test_other_files_leave_no_record(shop: Shop, content: bytes) -> None:
    await shop.ask("search", "GET", "/v1/files/file-in/content", content)
    assert await shop.office.records() == []


async def test_what_a_process_died_over_is_recorded_by_the_next_and_not_twice(shop: Shop) -> None:
    setup = shop.office.gateway.setup
    path = "/v1/files/file-out/content"
    await shop.ask("search", "GET", path, line(1))
    key = "usage-batch/openai/file-out"
    kept = await setup.store.get("", key)
    assert kept is not None
    done: Any = msgspec.json.decode(kept.data, type=Batch)
    begun = msgspec.structs.replace(done, state="begun")
    await setup.store.put("", key, msgspec.json.encode(begun))
    await shop.ask("search", "GET", path, line(1) + line(2, "large"))
    assert len(await shop.office.records()) == 1, "the other may still be at it"
    begun = msgspec.structs.replace(begun, begun=begun.begun - 61)
    await setup.store.put("", key, msgspec.json.encode(begun))
    await shop.ask("search", "GET", path, line(1) + line(2, "large"))
    assert [one["model"] for one in await shop.office.records()] == ["small", "large"]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_results_are_the_same_however_they_come(size: int) -> None:
    whole = line(1) + b"\n" + line(2, "large").removesuffix(b"\n") + b"\n" + line(3)
    results = Results(lambda model, usage: Cost(usage.input_tokens))
    for at in range(0, len(whole), size):
        results.feed(whole[at : at + size])
    found = {model: (sum.nano, sum.tokens["output_tokens"]) for model, sum in results.sums.items()}
    assert found == {"small": (200, 20), "large": (100, 10)}


def test_a_request_without_an_answer_does_not_hide_the_others() -> None:
    results = Results(lambda model, usage: Cost(1))
    results.feed(b'{"custom_id":"9","response":null,"error":{"code":"batch_expired"}}\n' + line(1))
    assert results.sums["small"].nano == 1


def test_a_line_that_is_too_long_is_passed_over_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_results, "_LONGEST", 500)
    results = Results(lambda model, usage: Cost(1))
    whole = line(1, "x" * 600) + line(2) + line(3, "y" * 600) + line(4)
    for at in range(0, len(whole), 50):
        results.feed(whole[at : at + 50])
    results.end()
    assert {model: sum.nano for model, sum in results.sums.items()} == {"small": 2}
    assert "2 batch results could not be read and are not recorded" in caplog.text


def test_a_line_that_cannot_be_read_is_reported_and_the_others_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    results = Results(lambda model, usage: Cost(1))
    results.feed(line(1) + b"what is this?\n" + line(2))
    results.end()
    assert results.sums["small"].nano == 2
    assert "not recorded" in caplog.text
