"""Nonsense in requests, answers and streams is refused or understood, never stumbled over."""

from contextlib import suppress
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield import sse
from jackfield.errors import InvalidRequest
from jackfield.testing import check_dialect
from jackfield.testing.spoiled import spoiled
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


def sent(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    candidates = [{"content": content, "index": 0, **more}]
    return {"candidates": candidates, "modelVersion": "m", "responseId": "r"}


PIECES = [
    sent({"text": "Hm.", "thought": True}),
    sent({"text": "日本 "}),
    sent({"text": "🙂", "thoughtSignature": "c2ln"}),
    sent({"functionCall": {"name": "f", "args": {"a": 1}, "id": "x"}}),
    {**sent({"text": ""}, finishReason="STOP"), "usageMetadata": ANSWER["usageMetadata"]},
]
EVENTS = b"".join(sse.encode(msgspec.json.encode(piece)) for piece in PIECES)
ARRAY = b"[" + b"\n,".join(map(msgspec.json.encode, PIECES)) + b"]"
QUESTION = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

test_laws_of_contents = check_dialect(
    GENERATE, requests=[REQUEST], answers=[ANSWER], streams=[EVENTS], params=PARAMS
)
test_laws_of_contents_in_an_array = check_dialect(
    GENERATE_ARRAY, requests=[REQUEST], answers=[ANSWER], streams=[ARRAY], params=PARAMS
)
test_laws_of_embeddings = check_dialect(
    EMBEDDINGS, requests=[EMBED], answers=[VECTORS], params=PARAMS
)
test_laws_of_counting_tokens = check_dialect(
    COUNT_TOKENS, requests=[QUESTION], answers=[{"totalTokens": 3}], params=PARAMS
)


def test_a_request_of_one_model_can_be_put_to_another() -> None:
    dice = Random(1)  # noqa: S311 - the same each time
    for _ in range(1000):
        with suppress(InvalidRequest):
            request = GENERATE.parse_request(spoiled(REQUEST, dice), PARAMS)
            GENERATE.render_request(replace(request, model="gemini-3-pro", extensions={}))


def test_an_error_that_makes_no_sense_is_an_error() -> None:
    dice = Random(1)  # noqa: S311 - the same each time
    for _ in range(1000):
        body = msgspec.json.encode(spoiled(FAILURE, dice))
        assert GENERATE.parse_error(500, body).message
        RESOURCE.terminal(b"data: " + body + b"\n\n")
        RESOURCE.usage(body)
