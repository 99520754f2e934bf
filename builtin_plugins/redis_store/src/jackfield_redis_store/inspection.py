"""Checks whether a server is suitable for the store."""

import re
from typing import Final

from attrs import frozen
from redis.exceptions import NoPermissionError, ResponseError

from .problems import LOADING, NOT_REDIS, REPLICA, Problem, problem_of
from .wire import Wire

OLDEST: Final = (6, 2)

EVICTION_UNKNOWN: Final = (
    "does not let this user see whether it drops data when it is full; give the user +info"
)
NOT_PERSISTENT: Final = (
    "writes nothing to disk as it comes and has no replica, so that keys and budgets are gone when"
    " it dies; set appendonly to yes"
)

_LINE: Final = re.compile(r"^(\w+):(.*?)\r?$", re.MULTILINE)


@frozen
class Finding:
    """What makes a server unsuitable, and what is a risk in a suitable one."""

    problem: Problem | None = None
    risk: str = ""


async def inspect(wire: Wire, until: float, *, clustered: bool) -> Finding:
    """Check a server. One that does not allow the check is accepted."""
    try:
        answer = await wire.call(("INFO",), until=until)
    except NoPermissionError:
        return Finding(risk=EVICTION_UNKNOWN)
    except ResponseError as error:
        return Finding(problem_of(error))
    if not isinstance(answer, bytes):
        return Finding(NOT_REDIS)
    found = dict(_LINE.findall(answer.decode("utf-8", "replace")))
    problem = (
        _loading(found)
        or _too_old(found)
        or (None if clustered else _other_mode(found) or _replica(found))
        or _evicting(found)
    )
    persistent = found.get("aof_enabled") != "0" or found.get("connected_slaves") != "0"
    return Finding(problem, "" if persistent else NOT_PERSISTENT)


def _loading(found: dict[str, str]) -> Problem | None:
    return LOADING if found.get("loading") == "1" else None


def _too_old(found: dict[str, str]) -> Problem | None:
    version = found.get("redis_version", "")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if not numbers or numbers >= OLDEST:
        return None
    return Problem(f"is Redis {version}; 6.2 or later, or Valkey, is needed", mistake=True)


def _other_mode(found: dict[str, str]) -> Problem | None:
    mode = found.get("redis_mode", found.get("server_mode"))
    if mode == "cluster":
        return Problem('is one of a cluster; set mode = "cluster"', mistake=True)
    if mode == "sentinel":
        reason = 'is a sentinel; set mode = "sentinel", and name it in `sentinels`'
        return Problem(reason, mistake=True)
    return None


def _replica(found: dict[str, str]) -> Problem | None:
    if found.get("role") != "slave":
        return None
    return REPLICA


def _evicting(found: dict[str, str]) -> Problem | None:
    policy = found.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or found.get("maxmemory") == "0":
        return None
    reason = f"drops data when it is full (maxmemory-policy {policy}); set it to noeviction"
    return Problem(reason, mistake=True)
