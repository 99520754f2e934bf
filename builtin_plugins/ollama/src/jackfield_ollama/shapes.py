"""Where an answer has its content: a chat in `message`, a generation at the top level."""

from typing import Any, ClassVar


class ChatShape:
    """`{"message": {"role": …, "content": …, "thinking": …, …}, …}`."""

    dialect: ClassVar[str] = "ollama.chat"
    text: ClassVar[bytes] = b'"message":{"role":"assistant","content":%b}'
    """The field of an answer that is only text."""

    most_images: ClassVar[int] = 0
    """Images of other vendors in an answer.

    The API has a list of images, but Ollama's Python client raises an error for any.
    """

    def take(self, rest: dict[str, Any]) -> dict[str, Any] | None:
        """The message, removed from an answer's fields; None if there is none."""
        message = rest.pop("message", None)
        return message if isinstance(message, dict) else None

    def put(self, message: dict[str, Any]) -> dict[str, Any]:
        """The fields of an answer for a message."""
        return {"message": {"role": "assistant", **message}}


class GenerateShape(ChatShape):
    """`{"response": …, "thinking": …, "image": …, …}`."""

    dialect: ClassVar[str] = "ollama.generate"
    text: ClassVar[bytes] = b'"response":%b'
    most_images: ClassVar[int] = 1

    def take(self, rest: dict[str, Any]) -> dict[str, Any] | None:
        """The content, in the form of a chat's message."""
        if not isinstance(rest.get("response"), str) and "image" not in rest:
            return None
        message = {"role": "assistant", "content": rest.pop("response", "")}
        if isinstance(rest.get("image"), str):
            message["images"] = [rest.pop("image")]
        for key in ("thinking", "tool_calls"):
            if key in rest:
                message[key] = rest.pop(key)
        return message

    def put(self, message: dict[str, Any]) -> dict[str, Any]:
        """The fields of an answer for a message; it has room for one image."""
        rest = {key: value for key, value in message.items() if key not in ("content", "images")}
        rest.pop("role", None)
        if message.get("images"):
            rest["image"] = message["images"][0]
        return {"response": message.get("content", ""), **rest}


CHAT_SHAPE = ChatShape()
GENERATE_SHAPE = GenerateShape()
