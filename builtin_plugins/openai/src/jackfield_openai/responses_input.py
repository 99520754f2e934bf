"""Canonical conversations as the `input` of a Responses request."""

from jackfield.dialects import Loss
from jackfield.losses import lost_part
from jackfield.messages import (
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)

from .responses_content import JSON, NAME, is_content, own, render_input
from .responses_output import (
    add_reasoning,
    begins_reasoning,
    call_item,
    image_item,
    output_text,
    reasoning_item,
    refusal,
)

_SHORT = {"type", "role", "content"}
_PLAIN = {"type", "text"}


class InputItems:
    """Collects the items of a canonical conversation, and its losses."""

    def __init__(self, losses: list[Loss]) -> None:
        self._items: list[JSON] = []
        self._losses = losses
        self._custom: set[str] = set()
        self._message: JSON | None = None
        self._foreign = False
        self._reasoning: JSON | None = None

    def add(self, message: Message, path: str) -> None:
        """Append one message's items."""
        self._close()
        if message.name is not None:
            self._losses.append(Loss("message.name", f"{path}.name", "dropped"))
        if message.role == "assistant":
            for index, part in enumerate(message.parts):
                self._add_model_part(part, f"{path}.parts[{index}]")
        else:
            self._add_input(message, f"{path}.parts")

    def close(self) -> list[JSON]:
        """The items, once all messages have been added."""
        self._close()
        return self._items

    def _close(self) -> None:
        self._end_message()
        self._reasoning = None

    def _end_message(self) -> None:
        """Begin no more of the open message. OpenAI's types take one without an id as a string;
        one of another dialect that says more gets an id.
        """
        message, self._message = self._message, None
        if message is None or message.keys() != _SHORT:
            return
        blocks = message["content"]
        if all(block.keys() == _PLAIN for block in blocks):
            message["content"] = "".join([block["text"] for block in blocks])
        elif self._foreign:
            _complete(message, f"msg_{len(self._items)}")

    def _add_input(self, message: Message, path: str) -> None:
        content: list[Part] = []
        for index, part in enumerate(message.parts):
            if isinstance(part, ToolResult):
                self._add_result(part, f"{path}[{index}]")
            elif isinstance(part, Opaque) and part.dialect == NAME and not is_content(part):
                self._items.append(part.value)
            else:
                content.append(part)
        if not content and message.parts:
            return
        role = "user" if message.role == "tool" else message.role
        rendered = render_input(content, path, self._losses)
        if rendered != []:
            extra = own(message.extensions)
            kind = {"type": "message"} if extra else {}
            self._items.append({**kind, "role": role, "content": rendered, **extra})

    def _add_result(self, result: ToolResult, path: str) -> None:
        custom = result.kind == "custom" or result.tool_call_id in self._custom
        if result.is_error:
            # The text says what went wrong; the API has no flag for errors.
            self._losses.append(Loss("tool_results.is_error", f"{path}.is_error", "approximated"))
        self._items.append(
            {
                "type": "custom_tool_call_output" if custom else "function_call_output",
                "call_id": result.tool_call_id,
                "output": render_input(result.parts, f"{path}.parts", self._losses),
                **own(result.extensions),
            }
        )

    def _add_model_part(self, part: Part, path: str) -> None:
        if isinstance(part, Text | Refusal) or is_content(part):
            self._add_output_text(part, path)
            return
        self._end_message()
        if isinstance(part, Reasoning):
            self._add_reasoning(part, path)
            return
        self._reasoning = None
        if isinstance(part, ToolCall):
            if part.kind == "custom":
                self._custom.add(part.id)
            self._items.append(call_item(part))
        elif isinstance(part, Opaque) and part.dialect == NAME:
            self._items.append(part.value)
        elif isinstance(part, Image) and NAME in part.extensions:
            self._items.append(image_item(part))
        else:
            self._losses.append(lost_part(part, path, "assistant"))

    def _add_output_text(self, part: Text | Refusal | Opaque, path: str) -> None:
        self._reasoning = None
        extra = None if isinstance(part, Opaque) else own(part.extensions).get("$item")
        if self._message is None or extra is not None:
            self._end_message()
            self._foreign = not isinstance(part, Opaque) and NAME not in part.extensions
            self._message = {"type": "message", "role": "assistant", "content": [], **(extra or {})}
            self._items.append(self._message)
        if isinstance(part, Text):
            block = output_text(part, path, self._losses)
            if not block["annotations"]:
                del block["annotations"]
        elif isinstance(part, Refusal):
            block = refusal(part)
        else:
            block = part.value
        self._message["content"].append(block)

    def _add_reasoning(self, part: Reasoning, path: str) -> None:
        if NAME not in part.extensions:
            # A provider only takes back thoughts that it can recognize as its own.
            if part.text or part.encrypted or part.signature:
                self._losses.append(Loss("reasoning.replay", path, "dropped"))
            return
        if self._reasoning is None or begins_reasoning(part):
            self._reasoning = reasoning_item(part)
            self._items.append(self._reasoning)
        add_reasoning(self._reasoning, part)


def _complete(message: JSON, identity: str) -> None:
    """Complete a model message as OpenAI's types require if it is not a string."""
    message |= {"id": identity, "status": "completed"}
    for block in message["content"]:
        if block["type"] == "output_text":
            block.setdefault("annotations", [])
