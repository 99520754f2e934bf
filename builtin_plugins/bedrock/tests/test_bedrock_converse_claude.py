"""Details of documents that Anthropic's API and Converse share are translated both ways."""

import json
from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.events import CitationAdded, Started, TextDelta
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    Message,
    Text,
    answer_of,
    chat_of,
)
from jackfield_bedrock.endpoints import CONVERSE

CLAUDE = installed("anthropic.messages")
MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
CITED = {"enabled": True}
QUESTION = {"type": "text", "text": "Why?"}
BLOCKS = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
CHUNKS = [{"text": "a"}, {"text": "b"}]

DOCUMENTS: list[tuple[Any, Any]] = [
    (
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "words"},
            "title": "T",
            "context": "from 1999",
            "citations": CITED,
        },
        {
            "document": {
                "format": "txt",
                "name": "T",
                "source": {"text": "words"},
                "context": "from 1999",
                "citations": CITED,
            }
        },
    ),
    (
        {
            "type": "document",
            "source": {"type": "content", "content": BLOCKS},
            "title": "T",
            "citations": CITED,
        },
        {
            "document": {
                "format": "txt",
                "name": "T",
                "source": {"content": CHUNKS},
                "citations": CITED,
            }
        },
    ),
    (
        {
            "type": "search_result",
            "source": "s3://b/k",
            "title": "T",
            "content": BLOCKS,
            "citations": CITED,
        },
        {
            "searchResult": {
                "source": "s3://b/k",
                "title": "T",
                "content": CHUNKS,
                "citations": CITED,
            }
        },
    ),
]

AT = {"start": 2, "end": 4}
CITATIONS: list[tuple[Any, Any]] = [
    (
        {"type": kind, "document_title": "T", "file_id": None, "document_index": 1, **counted},
        {"title": "T", "location": {member: {"documentIndex": 1, **AT}}},
    )
    for kind, member, counted in (
        ("char_location", "documentChar", {"start_char_index": 2, "end_char_index": 4}),
        ("page_location", "documentPage", {"start_page_number": 2, "end_page_number": 4}),
        ("content_block_location", "documentChunk", {"start_block_index": 2, "end_block_index": 4}),
    )
] + [
    (
        {
            "type": "search_result_location",
            "title": "T",
            "source": "s3://b/k",
            "search_result_index": 1,
            "start_block_index": 2,
            "end_block_index": 4,
        },
        {
            "title": "T",
            "source": "s3://b/k",
            "location": {"searchResultLocation": {"searchResultIndex": 1, **AT}},
        },
    )
]


@pytest.mark.parametrize(("claudes", "bedrocks"), DOCUMENTS)
def test_a_document_keeps_its_details_in_both_dialects(claudes: Any, bedrocks: Any) -> None:
    params = {"model": MODEL}
    request: Any = {
        **params,
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [claudes, QUESTION]}],
    }
    rendered = CONVERSE.render_request(CLAUDE.parse_request(request, {}))
    (message,) = json.loads(rendered.body)["messages"]
    assert message["content"][0] == bedrocks
    assert rendered.losses == ()
    again = CLAUDE.render_request(CONVERSE.parse_request(json.loads(rendered.body), params))
    assert json.loads(again.body)["messages"] == request["messages"]
    assert again.losses == ()


def test_a_changed_document_is_not_sent_as_it_was() -> None:
    document = {"name": "T", "source": {"content": CHUNKS}}
    tree = {"messages": [{"role": "user", "content": [{"document": document}]}]}
    request = chat_of(CONVERSE.parse_request(tree, {"model": MODEL}))
    (message,) = request.messages
    changed = msgspec.structs.replace(message.parts[0], text="[hidden]")
    message = msgspec.structs.replace(message, parts=(changed,))
    request = msgspec.structs.replace(request, messages=(message,))
    (sent,) = json.loads(CONVERSE.render_request(request).body)["messages"]
    assert sent["content"][0]["document"]["source"] == {"text": "[hidden]"}


@pytest.mark.parametrize(("claudes", "bedrocks"), CITATIONS)
def test_a_citation_has_the_same_location_in_both_dialects(claudes: Any, bedrocks: Any) -> None:
    claudes = {**claudes, "cited_text": "words"}
    bedrocks = {**bedrocks, "sourceContent": [{"text": "words"}]}
    block = {"citationsContent": {"content": [{"text": "So."}], "citations": [bedrocks]}}
    answer = {"output": {"message": {"role": "assistant", "content": [block]}}}
    request = ChatRequest(MODEL, ())
    read = answer_of(CONVERSE.parse_response(json.dumps(answer).encode()))
    rendered = CLAUDE.render_response(read, request)
    (text,) = json.loads(rendered.body)["content"]
    assert text["citations"] == [claudes]
    back = CONVERSE.render_response(CLAUDE.parse_response(rendered.body), request)
    (block_again,) = json.loads(back.body)["output"]["message"]["content"]
    assert block_again == block
    assert rendered.losses == back.losses == ()


@pytest.mark.parametrize(
    ("start", "end", "lost"), [(0, 3, []), (None, None, []), (1, 3, ["citations.span"])]
)
def test_a_citation_of_a_part_of_a_text_is_of_all_of_it(
    start: int | None, end: int | None, lost: list[str]
) -> None:
    citation = Citation("https://e.org", "t", start=start, end=end)
    choice = Choice(Message("assistant", (Text("So.", (citation,)),)), "stop")
    rendered = CONVERSE.render_response(ChatResponse("r", "m", (choice,)), ChatRequest(MODEL, ()))
    (block,) = json.loads(rendered.body)["output"]["message"]["content"]
    assert block["citationsContent"]["content"] == [{"text": "So."}]
    assert [loss.feature for loss in rendered.losses] == lost
    renderer = CONVERSE.stream_renderer(ChatRequest(MODEL, ()))
    for event in (Started("1", "m"), TextDelta(0, "So."), CitationAdded(0, citation)):
        renderer.render(event)
    assert bool(renderer.losses) is (end is not None)  # how long the text is comes later
