"""Whether a server is one that the store can be kept in."""

import re
from typing import Final

from redis.exceptions import NoPermissionError, ResponseError

from .trouble import LOADING, REPLICA, Trouble, told
from .wire import Wire

OLDEST: Final = (6, 2)

_LINE: Final = re.compile(r"^(\w+):(.*?)\r?$", re.MULTILINE)


async def inspect(wire: Wire, until: float, *, takes_writes: bool) -> Trouble | None:
    """What is wrong with a server. One that does not let itself be inspected is taken as it is."""
    try:
        answer = await wire.call(("INFO",), until=until)
    except NoPermissionError:
        return None
    except ResponseError as error:
        return told(error)
    found = dict(_LINE.findall(bytes(answer).decode("utf-8", "replace")))
    return (
        _loading(found)
        or _too_old(found)
        or (_replica(found) if takes_writes else None)
        or _forgetful(found)
    )


def _loading(found: dict[str, str]) -> Trouble | None:
    return LOADING if found.get("loading") == "1" else None


def _too_old(found: dict[str, str]) -> Trouble | None:
    version = found.get("redis_version", "")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers or numbers >= OLDEST:
        return None
    return Trouble(f"is Redis {version}; 6.2 or later, or Valkey, is needed", mistake=True)


def _replica(found: dict[str, str]) -> Trouble | None:
    if found.get("role") != "slave":
        return None
    return REPLICA


def _forgetful(found: dict[str, str]) -> Trouble | None:
    policy = found.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or found.get("maxmemory") == "0":
        return None
    reason = f"drops data when it is full (maxmemory-policy {policy}); set it to noeviction"
    return Trouble(reason, mistake=True)
