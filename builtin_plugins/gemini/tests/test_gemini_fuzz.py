"""Nonsense in requests, answers and streams is refused or understood, never stumbled over."""

import random
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.dialects import Dialect
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.messages import ChatRequest, Message, Text
from jackfield_gemini.endpoints import COUNT_TOKENS, EMBEDDINGS, GENERATE, GENERATE_ARRAY, RESOURCE

PARAMS = {"model": "m"}
REQUEST: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "s"}], "role": "user"},
    "contents": [
        {
            "role": "user",
            "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "image/png", "data": "aa"}}],
        },
        {
            "role": "model",
            "parts": [
                {"text": "t", "thought": True, "thoughtSignature": "c2ln"},
                {
                    "functionCall": {"name": "f", "args": {"a": 1}, "id": "x"},
                    "thoughtSignature": "ag==",
                },
                {"executableCode": {"code": "1", "language": "PYTHON"}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "name": "f",
                        "id": "x",
                        "response": {"output": "1"},
                        "parts": [{"inlineData": {"data": "aa"}}],
                    }
                }
            ],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"a": {"type": "STRING", "nullable": True}},
                    },
                }
            ]
        },
        {"googleSearch": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "temperature": 1,
        "stopSequences": ["x"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT"},
        "thinkingConfig": {"thinkingBudget": 5, "includeThoughts": True},
    },
    "cachedContent": "c",
    "safetySettings": [{}],
}
ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "é1", "thoughtSignature": "aa"},
                    {"functionCall": {"name": "f", "args": {}}},
                    {"inlineData": {"mimeType": "audio/wav", "data": "aa"}},
                ],
            },
            "finishReason": "STOP",
            "index": 0,
            "groundingMetadata": {
                "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
                "groundingSupports": [
                    {
                        "segment": {"startIndex": 2, "endIndex": 3, "text": "1"},
                        "groundingChunkIndices": [0],
                    }
                ],
            },
            "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 2, "uri": "u"}]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "a", "logProbability": -1}],
                "topCandidates": [{"candidates": [{"token": "a"}]}],
            },
        }
    ],
    "promptFeedback": {"blockReason": "SAFETY"},
    "createTime": "2026-01-01T00:00:00Z",
    "usageMetadata": {
        "promptTokenCount": 1,
        "candidatesTokenCount": 2,
        "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
    },
    "modelVersion": "m",
    "responseId": "r",
}
EMBED: dict[str, Any] = {
    "requests": [
        {"model": "models/m", "content": {"parts": [{"text": "a"}]}, "taskType": "CLUSTERING"}
    ]
}
VECTORS: dict[str, Any] = {
    "embeddings": [{"values": [1, 2.5]}],
    "usageMetadata": {"promptTokenCount": 1},
}
FAILURE: dict[str, Any] = {
    "error": {
        "code": 400,
        "message": "m",
        "status": "S",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": "f"}],
            }
        ],
    }
}
NONSENSE: list[Any] = [
    None,
    True,
    -1,
    1e300,
    2**70,
    "",
    "x",
    "ANY",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"a": 1},
    {"parts": 1},
]


def mutated(value: Any, dice: random.Random) -> Any:
    """The value with one or a few of its members replaced, dropped, doubled or renamed."""
    if dice.random() < 0.06:
        return dice.choice(NONSENSE)
    if isinstance(value, list):
        found = [mutated(item, dice) for item in value]
        return found * 2 if dice.random() < 0.03 else found
    if not isinstance(value, dict):
        return value
    changed = {key: mutated(item, dice) for key, item in value.items() if dice.random() > 0.03}
    if dice.random() < 0.05:
        changed[dice.choice(["thought", "text", "$x", "some_key", "error"])] = dice.choice(NONSENSE)
    return changed


def use_request(tree: Any, dialect: Dialect) -> None:
    dialect.peek(tree, PARAMS)
    request = dialect.parse_request(tree, PARAMS)
    dialect.render_request(request)
    dialect.render_request(replace(request, model="gemini-3-pro", extensions={}))


def use_answer(body: bytes, dialect: Dialect, request: Any) -> None:
    dialect.usage(body)
    dialect.render_response(dialect.parse_response(body), request)


def use_stream(body: bytes, dialect: Dialect) -> None:
    event = b"[" + body if dialect is GENERATE_ARRAY else b"data: " + body + b"\n\n"
    parser, renderer = dialect.stream_parser(), dialect.stream_renderer(HI)
    dialect.terminal(event)
    dialect.finishes(event)
    meter = dialect.usage_meter()
    meter.feed(event)
    meter.usage()
    for one in (*parser.feed(event), *parser.feed(event), *parser.close()):
        renderer.render(one)


HI = ChatRequest("m", (Message("user", (Text("hi"),)),))


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_in_a_request_is_refused_or_understood(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the dice of a test
    samples = ((REQUEST, GENERATE), (REQUEST, COUNT_TOKENS), (EMBED, EMBEDDINGS))
    for _ in range(700):
        sample, dialect = dice.choice(samples)
        try:
            use_request(mutated(sample, dice), dialect)
        except InvalidRequest:
            continue


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_in_an_answer_is_refused_or_understood(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the dice of a test
    embed = EMBEDDINGS.parse_request(EMBED, PARAMS)
    samples: Any = (
        (ANSWER, GENERATE, HI),
        ({"totalTokens": 3}, COUNT_TOKENS, HI),
        (VECTORS, EMBEDDINGS, embed),
    )
    for _ in range(700):
        sample, dialect, request = dice.choice(samples)
        try:
            use_answer(msgspec.json.encode(mutated(sample, dice)), dialect, request)
        except ValueError:
            continue


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_in_a_stream_is_refused_or_understood(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the dice of a test
    for _ in range(700):
        body = msgspec.json.encode(mutated(dice.choice((ANSWER, ANSWER, FAILURE)), dice))
        with suppress(ProviderError):
            use_stream(body, dice.choice((GENERATE, GENERATE_ARRAY)))
        RESOURCE.terminal(b"data: " + body + b"\n\n")
        RESOURCE.usage(body)
        assert GENERATE.parse_error(500, body).message
