"""Losses that all dialects name alike, each of them once."""

from typing import Any

import pytest

from jackfield import Exchange, Plugin, Response, hookimpl
from jackfield._shortfalls import named_once
from jackfield.dialects import Dialect, Loss
from jackfield.events import Finished
from jackfield.losses import has_content, is_loss_of, lost_in_answer, lost_member, lost_part
from jackfield.messages import (
    Audio,
    ChatResponse,
    Choice,
    EmbeddingsResponse,
    Message,
    Opaque,
    Text,
    ToolCall,
    Usage,
)
from jackfield.testing import run_gateway


class Vendors(Dialect):
    name = "vendor.chat"
    incidental = Dialect.incidental | {"seconds", ("tier", "default")}


class VariantOfVendors(Vendors):
    name = "vendor.chat@cloud"


class Clients(Dialect):
    name = "client.chat"
    understood = frozenset({"vendor.chat.verdict"})


def lost(members: dict[str, Any], source: Dialect | None = None) -> list[str]:
    answer = ChatResponse("", "", (), extensions={"vendor.chat": members})
    return [one.feature for one in lost_in_answer(answer, source or Vendors(), Clients())]


@pytest.mark.parametrize("role", ["user", "system", "developer", "tool"])
def test_instructions_are_part_of_the_question(role: Any) -> None:
    loss = lost_part(Opaque("a.chat", "video", {}), "messages[0]", role)
    assert (loss.feature, loss.breaks) == ("messages.video", True)


@pytest.mark.parametrize(("kind", "breaks"), [("web_search", False), ("compaction", True)])
def test_a_models_turn_counts_only_if_it_stands_for_more(kind: str, breaks: bool) -> None:
    assert lost_part(Opaque("a.chat", kind, {}), "messages[1]", "assistant").breaks is breaks


@pytest.mark.parametrize(
    ("dialect", "kind"), [("bedrock.converse", "cachePoint"), ("openai.completions", "echo")]
)
def test_what_leaves_the_question_as_it_is_does_not_break_it(dialect: str, kind: str) -> None:
    assert not lost_part(Opaque(dialect, kind, {}), "messages[0]", "user").breaks
    assert lost_part(Opaque("other.chat", kind, {}), "messages[0]", "user").breaks


@pytest.mark.parametrize("kind", ["x" * 65, "a\r\nb", "", "a b"])
def test_a_clients_own_word_is_named_only_if_it_is_one(kind: str) -> None:
    assert (
        lost_part(Opaque("a.chat", kind, {}), "messages[0]", "user").feature == "messages.unknown"
    )


def test_other_parts_are_named_by_what_they_are() -> None:
    call, sound = ToolCall("c", "f", "{}"), Audio(id="a")
    assert lost_part(call, "messages[0]", "user").feature == "messages.toolcall"
    assert lost_part(sound, "messages[0]", "assistant").feature == "audio"


@pytest.mark.parametrize(
    ("key", "value", "breaks"),
    [
        ("tool_choice", "odd", True),
        ("toolConfig", {"toolChoice": {"odd": {}}}, True),
        ("output_config", {"format": {"type": "odd"}}, True),
        ("output_config", {"odd": 1}, False),
        ("safetySettings", [1], False),
    ],
)
def test_a_member_that_binds_the_answer_is_part_of_the_question(
    key: str, value: Any, breaks: bool
) -> None:
    loss = lost_member("a.chat", key, value)
    assert (loss.feature, loss.breaks) == (f"a.chat.{key}", breaks)


def test_a_switch_says_something_by_being_there() -> None:
    assert has_content("web_search_options", {})
    assert has_content("other", {"odd": 1})
    assert not has_content("web_search_options", None)
    assert not has_content("other", {})


def test_a_loss_is_known_by_its_part() -> None:
    part = Opaque("a.chat", "video", {})
    loss = lost_part(part, "messages[0]", "user")
    assert is_loss_of(loss, part)
    assert not is_loss_of(loss, Opaque("a.chat", "other", {}))
    assert not is_loss_of(loss, Text("video"))


def test_no_loss_is_named_twice() -> None:
    remedy = Loss("images.url", "messages[0]", "dropped", "send data", breaks=True)
    plain = Loss("images.url", "messages[0].parts[1]", "dropped", breaks=True)
    weak, strong = Loss("n", "n", "dropped"), Loss("n", "n", "dropped", breaks=True)
    penalties = [Loss("penalties", at, "dropped") for at in ("frequency", "presence")]
    groups = [remedy], [plain, weak, strong, *penalties], [Loss("penalties", "all", "dropped")]
    assert named_once(*groups) == (remedy, strong, *penalties)


def test_what_a_parser_left_wherever_it_stands_is_lost_to_other_dialects() -> None:
    call = ToolCall("c", "f", "{}", extensions={"vendor.chat": {"caller": {"type": "code"}}})
    message = Message("assistant", (Text("a"), call), extensions={"vendor.chat": {"mood": "good"}})
    choice = Choice(message, "stop", extensions={"vendor.chat": {"ratings": [1]}})
    answer = ChatResponse("", "", (choice,), extensions={"vendor.chat": {"container": {"id": "c"}}})
    found = lost_in_answer(answer, Vendors(), Clients())
    features = {"caller", "mood", "ratings", "container"}
    assert {one.feature for one in found} == {f"vendor.chat.{one}" for one in features}
    assert {(one.how, one.breaks) for one in found} == {("dropped", False)}


def test_an_event_of_a_stream_loses_its_members_alike() -> None:
    event = Finished("stop", extensions={"vendor.chat": {"$beside": {"ratings": [1]}}})
    assert [one.feature for one in lost_in_answer(event, Vendors(), Clients())] == [
        "vendor.chat.ratings"
    ]


@pytest.mark.parametrize(
    "members",
    [
        {"id": "r", "seconds": 3},
        {"tier": "default"},
        {"a": None, "b": [], "c": {}, "d": {"inner": None}, "e": 0, "f": ""},
        {"$form": "list"},
        {"verdict": {"flagged": True}},
    ],
)
def test_what_is_incidental_or_empty_or_understood_is_not_missed(members: dict[str, Any]) -> None:
    assert lost(members) == []


def test_a_member_with_a_usual_value_is_missed_with_another() -> None:
    assert lost({"tier": "flex"}) == lost({"tier": {"type": "flex"}}) == ["vendor.chat.tier"]
    assert lost({"tier": {"type": "default"}}) == []


def test_variants_of_a_protocol_carry_each_others_members() -> None:
    answer = ChatResponse("", "", (), extensions={"vendor.chat": {"container": 1}})
    assert not lost_in_answer(answer, VariantOfVendors(), Vendors())
    assert not lost_in_answer(answer, Vendors(), VariantOfVendors())


def test_counts_as_they_were_reported_are_not_missed() -> None:
    usage = Usage(1, 2, extensions={"vendor.usage": {"queue_time": 3}, "vendor.chat": {"right": 1}})
    answer = EmbeddingsResponse("", ((0.5,),), usage)
    found = lost_in_answer(answer, None, Clients())
    assert [one.feature for one in found] == ["vendor.chat.right"]


def test_a_providers_own_words_are_named_only_if_they_are_some_and_not_without_end() -> None:
    assert lost({"a\r\nb": 1, "x" * 65: 1}) == ["vendor.chat.unknown"]
    assert len(lost({f"member_{i}": 1 for i in range(1000)})) == 32


class Loses(Plugin):
    """Answers, and loses members with names of the caller's own."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        names = exchange.json()["messages"][0]["text"].split()
        losses = tuple(Loss(f"fake.{name}", "", "dropped") for name in names)
        return Response(200, b"{}", losses=losses)


@pytest.mark.parametrize("text", ["x" * 1_000_000, "é" * 5_000, " ".join(map(str, range(9_999)))])
async def test_the_header_that_names_losses_is_no_longer_than_clients_read(text: str) -> None:
    async with run_gateway("[plugins.loses]", {"loses": Loses}) as client:
        named = (await client.chat(text)).headers["x-jackfield-loss"]
        assert named.startswith("fake.")
        assert named.endswith("...")
        assert len(named) <= 4096 + len("...")
        assert (await client.chat("a b a")).headers["x-jackfield-loss"] == "fake.a, fake.b"
