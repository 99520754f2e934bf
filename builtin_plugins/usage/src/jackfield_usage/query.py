"""The query of a report, strictly parsed."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self, get_args
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from jackfield.admin import READERS
from jackfield.errors import InvalidRequest
from jackfield.exchange import Principal

Per = Literal["hour", "day", "month", "total"]
SCOPES: Final = ("organization", "team", "user", "project", "key")
PLAIN: Final = ("model", "provider", "operation")
MOST_RECORDS: Final = 1000
_TAG: Final = re.compile(r"tag:[a-z0-9_.-]{1,64}")
_DAYS: Final = 30
_MONTH: Final = 28 * 86_400
_NONE, _HOUR = dt.timedelta(), dt.timedelta(hours=1)
_LONGEST: Final = dt.timedelta(days=366 * 5)
OF_REPORTS: Final = frozenset(("by", "per"))
OF_RECORDS: Final = frozenset(("limit", "after"))
"""Parameters that only one of the two supports."""

_SCALARS: Final = ("per", "zone", "from", "until", "format", "limit", "after")
PARAMETERS: Final = ("by", *_SCALARS, *SCOPES, *PLAIN)
"""All parameters, besides `tag:NAME` for any tag."""


@frozen
class Query:
    """What to report: the time in [since, until), the grouping, and whose usage.

    `where` has values that all usage must have; `within` has scopes that it must be in.
    """

    since: float
    until: float
    by: tuple[str, ...] = ()
    per: Per = "total"
    zone: ZoneInfo = field(factory=lambda: ZoneInfo("UTC"))
    where: Mapping[str, str] = field(factory=dict)
    within: frozenset[str] = frozenset()
    tenant: str | None = None
    format: Literal["json", "csv"] = "json"
    limit: int = 100
    after: str = ""

    @classmethod
    def read(cls, query: str, accept: str, principal: Principal, now: float) -> Self:
        """Parse a query string. Raises InvalidRequest with the name of the invalid parameter."""
        members = parse_qs(query, keep_blank_values=True)
        for name, values in members.items():
            _check_name(name, values)
        single = {name: values[0] for name, values in members.items()}
        zone = _zone(single.get("zone", "UTC"))
        until = _time(single, "until", zone, now)
        since = _time(single, "from", zone, until - _DAYS * 86_400)
        if not 0 <= until - since <= _LONGEST.total_seconds():
            raise InvalidRequest("'from' must be before 'until', by 5 years at most.", param="from")
        tenant, within = _seen_by(principal)
        return cls(
            since,
            until,
            tuple(_dimension(one) for text in members.get("by", ()) for one in text.split(",")),
            _choice(single, "per", get_args(Per), "total"),
            zone,
            {name: single[name] for name in single if name not in _SCALARS and name != "by"},
            within,
            tenant,
            _choice(single, "format", ("json", "csv"), "csv" if "text/csv" in accept else "json"),
            _limit(single.get("limit", "100")),
            single.get("after", ""),
        )

    @property
    def tags(self) -> frozenset[str]:
        """The names of the tags in the query."""
        return frozenset(
            name.removeprefix("tag:") for name in (*self.by, *self.where) if name[:4] == "tag:"
        )

    @property
    def splits_hours(self) -> bool:
        """Whether hours of the time zone are not whole hours of UTC, as in India."""
        times = (*range(int(self.since), int(self.until), _MONTH), self.until)
        moments = [dt.datetime.fromtimestamp(at, self.zone) for at in times]
        return any((moment.utcoffset() or _NONE) % _HOUR for moment in moments)

    def period(self, time: float) -> str:
        """The period of the report that a time belongs to, as text; empty for the total."""
        if self.per == "total":
            return ""
        local = dt.datetime.fromtimestamp(time, self.zone)
        if self.per == "hour":
            return local.replace(minute=0).isoformat(timespec="minutes")
        return local.strftime("%Y-%m-%d" if self.per == "day" else "%Y-%m")


def _seen_by(principal: Principal) -> tuple[str | None, frozenset[str]]:
    """Whose usage a caller may see: all of it, a tenant's, or that of some scopes.

    A key sees the usage of its innermost holder: a project, user or team. An administrator sees the
    team, or the organization if there is no team.
    """
    scopes = principal.scopes
    if not scopes:
        return (None if principal.role in READERS else principal.tenant), frozenset()
    if principal.role in READERS:
        return principal.tenant, frozenset(one for one in scopes if one.startswith("team:"))
    holders = [scope for scope in scopes if not scope.startswith("key:")]
    return principal.tenant, frozenset([(holders or scopes)[-1]])


def _check_name(name: str, values: Sequence[str]) -> None:
    if name not in PARAMETERS and not _TAG.fullmatch(name):
        known = ", ".join(PARAMETERS)
        raise InvalidRequest(
            f"Unknown parameter {name!r}; known: {known} and tag:NAME.", param=name
        )
    if name != "by" and len(values) > 1:
        raise InvalidRequest(f"{name!r} can be given only once.", param=name)


def _dimension(text: str) -> str:
    if text in SCOPES or text in PLAIN or _TAG.fullmatch(text):
        return text
    raise InvalidRequest(
        f"'by' cannot be {text!r}: it is one of {', '.join((*SCOPES, *PLAIN))}, tag:NAME.",
        param="by",
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problem = f"There is no time zone {name!r}; write one such as Europe/Berlin."
        raise InvalidRequest(problem, param="zone") from None


def _time(members: Mapping[str, str], name: str, zone: ZoneInfo, default: float) -> float:
    text = members.get(name)
    if text is None:
        return default
    try:
        moment = dt.datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"{name!r} is not a time: write 2026-11-01 or 2026-11-01T14:00:00+01:00.", param=name
        ) from None


def _choice(members: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> Any:
    value = members.get(name, default)
    if value not in allowed:
        raise InvalidRequest(f"{name!r} must be one of {', '.join(allowed)}.", param=name)
    return value


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MOST_RECORDS:
        return int(text)
    raise InvalidRequest(f"'limit' must be 1 to {MOST_RECORDS}.", param="limit")
