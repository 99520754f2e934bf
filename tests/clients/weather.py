"""What the clients ask: about the weather, with a tool, with a picture, for a city as JSON."""

import json
from base64 import b64decode
from typing import Any, Final

from pydantic import BaseModel
from tests.clients.upstream import Received

QUESTION: Final = "What is the weather?"
RESULT: Final = "15 degrees and sunny"
PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PICTURE: Final = b64decode(PIXEL)
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "latitude": {"type": "string"}},
}
REFUSED: Final = {"error": {"message": "Slow down.", "type": "rate_limit_error"}}


class City(BaseModel):
    """The structured answer."""

    city: str
    country: str


def holds(request: Received, *texts: str) -> bool:
    """Whether all these stand somewhere in the body that a vendor got."""
    body = json.dumps(request.body, ensure_ascii=False)
    return all(text in body for text in texts)
