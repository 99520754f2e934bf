"""All faults by name, and how a request names one."""

import json
import re
from collections.abc import Awaitable, Callable

from attrs import frozen

from . import bulk, cuts, disguised, frayed, good, illegal, malformed, statuses, timing
from .wire import Wire

FAULTS: dict[str, Callable[[Wire], Awaitable[None]]] = {
    **good.FAULTS,
    **timing.FAULTS,
    **cuts.FAULTS,
    **frayed.FAULTS,
    **malformed.FAULTS,
    **disguised.FAULTS,
    **illegal.FAULTS,
    **statuses.FAULTS,
    **bulk.FAULTS,
}

_SPELLING = re.compile(r"(?:fault-)?(?P<name>.+?)(?P<numbers>(?:-\d+)*)")


@frozen
class Choice:
    """A fault and its numbers, as in `cut-sse-3`."""

    name: str
    numbers: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read `cut-sse-3` or `fault-cut-sse-3`. Raises KeyError for an unknown name."""
        for name in (text, text.removeprefix("fault-")):
            if name in FAULTS:
                return cls(name)
        match = _SPELLING.fullmatch(text)
        if match is None or match["name"] not in FAULTS:
            raise KeyError(text)
        return cls(match["name"], tuple(int(part) for part in match["numbers"].split("-")[1:]))

    @classmethod
    def of_request(cls, body: bytes) -> "Choice":
        """What the model's name in a JSON body asks for; without a fault, a good answer."""
        try:
            request = json.loads(body)
        except ValueError:
            return cls("json")
        if not isinstance(request, dict):
            return cls("json")
        model = str(request.get("model", ""))
        if model.startswith("fault-"):
            return cls.parse(model)
        return cls("sse" if request.get("stream") else "json")
