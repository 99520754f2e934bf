"""What it costs that client and provider speak different dialects, against the same one on both."""

from typing import Any, Final

import msgspec
from attrs import frozen

Json = dict[str, Any]

SCHEMA: Final[Json] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "description": "A city and its country"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    },
    "required": ["city"],
}
SYSTEM: Final = "You are a helpful assistant who answers briefly and asks tools what they know."
QUESTION: Final = "What is the weather in Vienna, Austria, and should I take an umbrella today?"
WORDS: Final = "one gateway for all models " * 28


@frozen
class Side:
    """A vendor as both ends of the bench: what its clients send, and what its API answers."""

    name: str
    plugin: str
    path: str
    base_url: str

    def question(self, model: str, *, stream: bool) -> bytes:
        """A typical chat: system prompt, question, an earlier call of a tool and its result."""
        tree = _OPENAI if self.name == "openai" else _ANTHROPIC
        return msgspec.json.encode(tree | {"model": model, "stream": stream})

    def completion(self) -> bytes:
        """A whole answer."""
        return msgspec.json.encode(_COMPLETION if self.name == "openai" else _MESSAGE)

    def events(self, number: int) -> list[bytes]:
        """A stream with `number` pieces of text."""
        make = _chunks if self.name == "openai" else _message_events
        return make(number)


OPENAI: Final = Side("openai", "openai", "/v1/chat/completions", "http://127.0.0.1:9/v1")
ANTHROPIC: Final = Side("anthropic", "anthropic", "/v1/messages", "http://127.0.0.1:9")

_OPENAI: Final[Json] = {
    "max_tokens": 256,
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": QUESTION},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Vienna, Austria"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky":"rain","degrees":11}'},
    ],
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "description": "Today's", "parameters": SCHEMA},
        }
    ],
}
_ANTHROPIC: Final[Json] = {
    "max_tokens": 256,
    "system": SYSTEM,
    "messages": [
        {"role": "user", "content": QUESTION},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "call_1",
                    "name": "weather",
                    "input": {"city": "Vienna, Austria"},
                }
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_1",
                    "content": '{"sky":"rain","degrees":11}',
                }
            ],
        },
    ],
    "tools": [{"name": "weather", "description": "Today's", "input_schema": SCHEMA}],
}
_COMPLETION: Final[Json] = {
    "id": "chatcmpl-mock",
    "object": "chat.completion",
    "created": 1760000000,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": WORDS, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 42, "completion_tokens": 128, "total_tokens": 170},
}
_MESSAGE: Final[Json] = {
    "id": "msg_mock",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": WORDS}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 42, "output_tokens": 128},
}


def _chunks(number: int) -> list[bytes]:
    shape = (
        b'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1760000000,'
        b'"model":"m","choices":[{"index":0,"delta":{%b},"logprobs":null,"finish_reason":%b}]}\n\n'
    )
    middle = [shape % (b'"content":" gateway"', b"null")] * number
    return [*middle, shape % (b"", b'"stop"') + b"data: [DONE]\n\n"]


def _message_events(number: int) -> list[bytes]:
    begin = msgspec.json.encode(_MESSAGE | {"content": [], "stop_reason": None})
    text = (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"text_delta","text":" gateway"}}\n\n'
    )
    return [
        b'event: message_start\ndata: {"type":"message_start","message":%b}\n\n'
        b"event: content_block_start\n"
        b'data: {"type":"content_block_start","index":0,"content_block":'
        b'{"type":"text","text":""}}\n\n' % begin,
        *[text] * number,
        b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        b"event: message_delta\n"
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":128}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ]
