"""Requests of other dialects whose settings, files and tiers OpenAI does not know."""

import json
import re
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from openai.types.responses import Response

from jackfield.dialects import Dialect
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Document,
    Image,
    Message,
    ReasoningRequest,
    Text,
    ToolCall,
    ToolResult,
)
from jackfield_openai.endpoints import CHAT, RESPONSES

BOTH = pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
OTHER = {"anthropic.messages": {"k": None}}


def chat_of(*parts: Any, **members: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", parts or (Text("hi"),)),), **members)


def rendered(dialect: Dialect, request: ChatRequest) -> tuple[dict[str, Any], list[str]]:
    done = dialect.render_request(request)
    return msgspec.json.decode(done.body), [loss.feature for loss in done.losses]


@BOTH
@pytest.mark.parametrize("tier", ["on_demand", "provisioned"])
def test_a_tier_of_another_vendor_is_left_out(dialect: Dialect, tier: str) -> None:
    body, lost = rendered(dialect, chat_of(service_tier=tier))
    assert "service_tier" not in body
    assert lost == ["service_tier"]
    assert rendered(dialect, chat_of(service_tier="flex"))[0]["service_tier"] == "flex"


@BOTH
def test_a_caller_of_the_same_dialect_may_name_any_tier(dialect: Dialect) -> None:
    request = chat_of(service_tier="on_demand", extensions={dialect.name: {}})
    assert rendered(dialect, request)[0]["service_tier"] == "on_demand"


@BOTH
@pytest.mark.parametrize("shares", [{}, {CHAT.name: {"prompt_cache_key": "k"}}])
def test_a_long_id_is_shortened_alike_in_a_call_and_its_result(
    dialect: Dialect, shares: dict[str, Any]
) -> None:
    calls = tuple(ToolCall("x" * 70 + end, "f", "{}") for end in "ab")
    results = tuple(ToolResult(call.id, (Text("ok"),)) for call in calls)
    turns = (Message("assistant", calls), Message("tool", results))
    extensions = {**shares, "mistral.chat": {}}
    body, lost = rendered(dialect, ChatRequest("m", turns, extensions=extensions))
    ids = re.findall(r'"(call_[0-9a-f]+)"', json.dumps(body))
    assert (len(ids), len(set(ids)), lost) == (4, 2, [])
    assert ids[:2] == ids[2:]
    assert {len(one) for one in ids} == {40 if dialect is CHAT else 64}


@BOTH
def test_a_key_of_mistrals_cache_is_one_of_openais(dialect: Dialect) -> None:
    body, lost = rendered(dialect, chat_of(extensions={"mistral.chat": {"prompt_cache_key": "k"}}))
    assert (body["prompt_cache_key"], lost) == ("k", [])


def test_a_prediction_of_mistrals_is_one_of_chats_alone() -> None:
    expected = {"type": "content", "content": "Hi."}
    request = chat_of(extensions={"mistral.chat": {"prediction": expected}})
    body, lost = rendered(CHAT, request)
    assert (body["prediction"], lost) == (expected, [])
    assert rendered(RESPONSES, request)[1] == ["mistral.chat.prediction"]


def test_an_answer_names_no_tier_that_the_sdk_refuses() -> None:
    answer = ChatResponse("1", "m", (Choice(Message("assistant", (Text("hi"),)), "stop"),))
    request = chat_of(service_tier="on_demand")
    body = RESPONSES.render_response(answer, request).body
    assert Response.model_validate_json(body).service_tier == "default"


@BOTH
def test_a_user_too_long_for_the_api_is_sent_as_its_hash(dialect: Dialect) -> None:
    body, lost = rendered(dialect, chat_of(user="u" * 65))
    assert body["user"] == sha256(b"u" * 65).hexdigest()
    assert lost == ["user"]
    assert rendered(dialect, chat_of(user="u" * 64))[0]["user"] == "u" * 64


@BOTH
def test_answers_in_other_forms_than_text_are_lost_by_name(dialect: Dialect) -> None:
    body, lost = rendered(dialect, chat_of(modalities=("text", "audio", "image")))
    assert "modalities" not in body
    assert lost == ["audio", "modalities.image"]


@BOTH
def test_penalties_and_budgets_mean_the_same_in_both(dialect: Dialect) -> None:
    request = chat_of(reasoning=ReasoningRequest(budget_tokens=2048))
    body, lost = rendered(dialect, request)
    assert "low" in (body.get("reasoning_effort"), body.get("reasoning", {}).get("effort"))
    assert lost == ["reasoning.budget_tokens"]


@BOTH
@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Image(file_id="file-1", extensions=OTHER), "images.file_id"),
        (Document(file_id="file-1", extensions=OTHER), "documents.file_id"),
        (Document(file_id="https://generativelanguage.googleapis.com/f"), "documents.file_id"),
        (Document(file_id="gs://bucket/a.pdf"), "documents.file_id"),
        (Document(file_id="files/a"), "documents.file_id"),
        (Image(url="s3://bucket/a.png"), "images.file_id"),
    ],
)
def test_a_file_of_another_vendor_breaks_the_question(
    dialect: Dialect, part: Image | Document, feature: str
) -> None:
    losses = dialect.render_request(chat_of(Text("look"), part)).losses
    assert [(loss.feature, loss.breaks) for loss in losses] == [(feature, True)]


@BOTH
@pytest.mark.parametrize(
    ("name", "media_type", "sent"),
    [
        ("report", "application/pdf", "report.pdf"),
        ("report v1.2", "text/csv", "report v1.2.csv"),
        ("report.PDF", "application/pdf", "report.PDF"),
        ("report", "application/x-unknown-kind", "report"),
    ],
)
def test_a_documents_name_gets_the_extension_of_its_type(
    dialect: Dialect, name: str, media_type: str, sent: str
) -> None:
    part = Document(data="aGk=", media_type=media_type, name=name, extensions=OTHER)
    body, lost = rendered(dialect, chat_of(part))
    block = body["messages" if dialect is CHAT else "input"][0]["content"][0]
    assert (block.get("file", block)["filename"], lost) == (sent, [])


def test_speech_that_responses_cannot_hear_breaks_the_question() -> None:
    losses = RESPONSES.render_request(chat_of(Text("hear"), Audio("aGk=", "wav"))).losses
    assert [(loss.feature, loss.breaks) for loss in losses] == [("audio", True)]


def test_chat_takes_no_documents_by_their_addresses() -> None:
    assert not CHAT.document_urls
    assert CHAT.image_urls


@BOTH
@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-5.1", "none"),
        ("gemini-2.5-flash", "none"),
        ("gpt-5-mini", "minimal"),
        ("openai/o3", "low"),
        ("gpt-oss-120b", "low"),
        ("gpt-4o", None),
    ],
)
def test_no_budget_is_the_least_effort_that_the_model_knows(
    dialect: Dialect, model: str, effort: str | None
) -> None:
    request = replace(chat_of(reasoning=ReasoningRequest(budget_tokens=0)), model=model)
    body, lost = rendered(dialect, request)
    effort_sent = body.get("reasoning_effort", body.get("reasoning", {}).get("effort"))
    assert effort_sent == effort
    assert lost == ([] if effort in (None, "none") else ["reasoning.budget_tokens"])


@BOTH
@pytest.mark.parametrize(
    ("media_type", "name"),
    [
        ("text/csv", "document.csv"),
        ("text/plain; charset=utf-8", "document.txt"),
        ("video/mp4", "document.mp4"),
        ("application/vnd.ms-excel", "document.xls"),
        ("application/octet-stream", "document"),
        (None, "document.pdf"),
    ],
)
def test_a_file_without_a_name_is_called_after_its_type(
    dialect: Dialect, media_type: str | None, name: str
) -> None:
    body, _ = rendered(dialect, chat_of(Document(data="AA==", media_type=media_type)))
    (turn,) = body.get("messages") or body["input"]
    (part,) = turn["content"]
    assert part.get("file", part)["filename"] == name


@pytest.mark.parametrize(
    ("model", "members", "included"),
    [
        ("gpt-5", {}, True),
        ("gpt-5", {"store": True}, False),
        ("gpt-4o", {}, False),
        ("gpt-5-chat-latest", {}, False),
        ("gpt-oss-120b", {}, False),
        ("own", {"reasoning": ReasoningRequest(effort="low")}, True),
        ("own", {"reasoning": ReasoningRequest(effort="none")}, False),
        ("gpt-5", {"extensions": {RESPONSES.name: {}}, "store": False}, False),
    ],
)
def test_encrypted_thoughts_are_requested_where_the_vendor_keeps_nothing(
    model: str, members: Any, included: bool
) -> None:
    body, _ = rendered(RESPONSES, replace(chat_of(**members), model=model))
    assert ("reasoning.encrypted_content" in body.get("include", ())) is included


@BOTH
@pytest.mark.parametrize(
    ("model", "reasoning", "effort", "lost"),
    [
        ("gpt-4o", ReasoningRequest("high"), None, ["reasoning"]),
        ("gpt-4o", ReasoningRequest(budget_tokens=2000), None, ["reasoning"]),
        ("gpt-4o", ReasoningRequest("none"), None, []),
        ("o3", ReasoningRequest("minimal"), "low", ["reasoning.effort"]),
        ("gpt-5", ReasoningRequest("xhigh"), "high", ["reasoning.effort"]),
        ("gpt-5-pro", ReasoningRequest("low"), "high", ["reasoning.effort"]),
        ("gpt-5.1", ReasoningRequest("max"), "high", ["reasoning.effort"]),
        ("gpt-5.2", ReasoningRequest("xhigh"), "xhigh", []),
        ("gpt-5.2", ReasoningRequest("minimal"), "low", ["reasoning.effort"]),
        ("house/own", ReasoningRequest("max"), "max", []),
        ("gpt-6-sol", ReasoningRequest("minimal"), "low", ["reasoning.effort"]),
        ("gpt-6-luna", ReasoningRequest("none"), "none", []),
        ("gpt-6.1-sol", ReasoningRequest("none"), "low", ["reasoning.effort"]),
        ("gpt-6-astra", ReasoningRequest("max"), "max", []),
        ("grok-4", ReasoningRequest("high"), None, ["reasoning.effort"]),
        ("grok-4", ReasoningRequest(budget_tokens=0), None, ["reasoning.effort"]),
    ],
)
def test_an_effort_is_one_that_the_model_takes(
    dialect: Dialect, model: str, reasoning: ReasoningRequest, effort: str | None, lost: list[str]
) -> None:
    body, losses = rendered(dialect, replace(chat_of(reasoning=reasoning), model=model))
    effort_sent = body.get("reasoning_effort", body.get("reasoning", {}).get("effort"))
    assert (effort_sent, losses) == (effort, lost)


@BOTH
@pytest.mark.parametrize(
    ("model", "effort", "taken"),
    [
        ("gpt-4.1", None, True),
        ("gpt-5.1", None, True),
        ("gpt-5.1", "low", False),
        ("gpt-5-mini", None, False),
        ("o4-mini", None, False),
        ("gpt-5.4", None, True),
        ("gpt-5.6", None, False),
        ("gpt-6-sol", None, False),
        ("gpt-6-sol", "none", True),
        ("gpt-6.1-sol", "low", False),
        ("house/own", "low", True),
    ],
)
def test_a_model_that_reasons_gets_no_sampling_settings(
    dialect: Dialect, model: str, effort: str | None, taken: bool
) -> None:
    thinking = ReasoningRequest(effort) if effort else None
    request = replace(chat_of(temperature=0.2, top_p=1.0, reasoning=thinking), model=model)
    body, losses = rendered(dialect, request)
    assert body["top_p"] == 1
    assert ("temperature" in body, losses) == (taken, [] if taken else ["temperature"])


@pytest.mark.parametrize(("model", "shown"), [("gpt-5.1", True), ("gpt-6-sol", False)])
def test_a_model_that_reasons_shows_no_logprobs(model: str, shown: bool) -> None:
    request = replace(chat_of(logprobs=True), model=model)
    body, losses = rendered(RESPONSES, request)
    assert ("message.output_text.logprobs" in body.get("include", ())) is shown
    assert losses == ([] if shown else ["logprobs"])


def test_a_chat_stops_at_four_sequences_and_a_response_at_no_less_than_16_tokens() -> None:
    body, lost = rendered(CHAT, chat_of(stop=tuple("abcde")))
    assert (body["stop"], lost) == (["a", "b", "c", "d"], ["stop"])
    body, lost = rendered(RESPONSES, chat_of(max_tokens=1))
    assert (body["max_output_tokens"], lost) == (16, ["max_tokens"])
    body, lost = rendered(CHAT, chat_of(max_tokens=1))
    assert (body["max_completion_tokens"], lost) == (1, [])
