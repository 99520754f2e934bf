"""Ids for function calls, which Gemini may omit and all other APIs need."""

from hashlib import blake2s
from secrets import token_hex

_MARK = "call_gm_"


def placed_id(content: int, part: int) -> str:
    """A deterministic id for a call of an earlier turn, by position, so that caches still match."""
    return f"{_MARK}{content}_{part}"


def answered_id(response_id: str, choice: int, ordinal: int) -> str:
    """The id of a call in an answer, made unique in the conversation by the answer's own id."""
    if not response_id:
        return _MARK + token_hex(8)
    name = f"{response_id} {choice} {ordinal}".encode()
    return _MARK + blake2s(name, digest_size=8).hexdigest()


def is_made_up(identity: str) -> bool:
    """Whether the gateway made the id; Gemini does not get it."""
    return identity.startswith(_MARK)


class OpenCalls:
    """The calls of a conversation that wait for their results."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, str]] = []

    def add(self, identity: str, name: str) -> None:
        """Add a call."""
        self._waiting.append((identity, name))

    def answered(self, identity: str | None, name: str) -> str | None:
        """The id of the call that a result answers.

        Without an id it is the oldest call of the same name, else the oldest of all.
        """
        if identity is None:
            same = [call for call in self._waiting if call[1] == name] or self._waiting
            if not same:
                return None
            identity = same[0][0]
        self._waiting = [call for call in self._waiting if call[0] != identity]
        return identity
