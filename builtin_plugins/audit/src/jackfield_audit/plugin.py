"""The plugin: records administrators' changes always, callers' requests as configured."""

import hashlib
from typing import Any, ClassVar

import msgspec
from attrs import define

from jackfield import Chunk, ConfigError, Exchange, Outcome, Plugin, Setup, hookimpl
from jackfield.admin import AdminChange

from .config import AuditConfig
from .files import files_of
from .trail import Trail


@define(eq=False)
class _Note:
    """What is known about an exchange before it ends."""

    is_closed: bool
    answer: Any = None


class Audit(Plugin):
    """Writes an append-only trail in which every record vouches for the previous one.

    An administrator's change is on disk before it is made; what cannot be recorded is not done.
    """

    Config: ClassVar[type] = AuditConfig
    on_error: ClassVar = "refuse"
    deadline_ms: ClassVar[int] = 2_000
    config: AuditConfig

    async def start(self, setup: Setup) -> None:
        """Open the trail, and from then on record every change before it is made."""
        files = await files_of(self.config, setup.state_dir, setup.secret)
        config = self.config
        self.trail = Trail(files.trail, files.anchors, config.anchor_records, config.anchor_seconds)
        try:
            await self.trail.open()
        except ValueError as error:
            raise ConfigError(
                [
                    f"plugins.{self.name}: {files.trail} cannot be continued: in its last line,"
                    f" {error}. Run `jackfield audit verify`, then move the trail and"
                    " its anchors away together to start new ones"
                ]
            ) from None
        setup.add_auditor(self.audit)

    async def stop(self) -> None:
        """Write pending records, and a last anchor."""
        if hasattr(self, "trail"):
            await self.trail.close()

    async def health(self) -> str | None:
        """What is wrong with the trail, if requests are refused for it; tries once more."""
        if self.trail.problem is not None or self.trail.anchor_problem is not None:
            self.trail.note({"kind": "resumed", "dropped": self.trail.dropped})
        closed = "closed" in {self.config.traffic, *self.config.tenants.values()}
        problem = self.trail.problem or self.trail.anchor_problem
        return f"the trail {problem}" if problem and closed else None

    async def audit(self, change: AdminChange) -> None:
        """Record a change. Raises AuditUnavailable if it is not on disk."""
        await self.trail.add({"kind": "admin", **msgspec.to_builtins(change)})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Record a request of an audited tenant before anything is done for it."""
        policy = self.config.policy_of(exchange.principal.tenant)
        if policy == "none" or exchange.dry_run or exchange.endpoint.answer is not None:
            exchange.leave(self)
            return
        note: _Note = exchange.note(self, lambda: _Note(policy == "closed"))
        if note.is_closed:
            await self.trail.add({"kind": "request", **self._request_members(exchange)})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        """Add a chunk to the digest of the answer."""
        if not self.config.digests:
            return
        note: _Note | None = exchange.state.get(self)
        if note is not None:
            if note.answer is None:
                note.answer = hashlib.sha256()
            note.answer.update(chunk.data)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Record how it ended; for a tenant with `closed`, before the answer or its end is sent."""
        note: _Note | None = exchange.state.get(self)
        if note is None:
            return
        event = {
            "kind": "exchange",
            **self._request_members(exchange),
            **_outcome_members(exchange, outcome),
        }
        if self.config.digests:
            event["response_sha256"] = _digest_of(outcome, note)
        if note.is_closed:
            await self.trail.add(event)
        else:
            self.trail.note(event)

    def _request_members(self, exchange: Exchange) -> dict[str, Any]:
        event = {
            "request_id": exchange.id,
            "tenant": exchange.principal.tenant,
            "actor": exchange.principal.key_id or "",
            "client": exchange.request.client,
            "operation": exchange.operation,
            "path": exchange.endpoint.path,
            "model": exchange.model,
        }
        if self.config.digests:
            event["request_sha256"] = hashlib.sha256(exchange.request.body).hexdigest()
        return event


def _outcome_members(exchange: Exchange, outcome: Outcome) -> dict[str, Any]:
    usage = outcome.usage
    return {
        "outcome": outcome.kind,
        "status": outcome.status,
        "error": outcome.error.code if outcome.error else None,
        "target": str(exchange.attempts[-1].target) if exchange.attempts else None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
    }


def _digest_of(outcome: Outcome, note: _Note) -> str | None:
    if note.answer is not None:
        return str(note.answer.hexdigest())
    body = outcome.response.body if outcome.response else None
    return hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else None
