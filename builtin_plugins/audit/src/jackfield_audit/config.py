"""What may stand in `[plugins.audit]`."""

from pathlib import Path
from typing import Literal

from attrs import frozen
from attrs.validators import ge, gt

from jackfield import SecretRef, option

Policy = Literal["none", "open", "closed"]


@frozen
class AuditConfig:
    """The table `[plugins.audit]`."""

    path: Path | None = option(
        None, "The trail; `audit/trail.jsonl` in the folder of the state when left out."
    )
    anchors: Path | None = option(
        None,
        "The anchors; `audit/anchors.jsonl` when left out. They protect best where who can write"
        " to the trail cannot write: on another disk, or on a mounted write-once store.",
    )
    anchor_key: SecretRef | None = option(
        None,
        "The key of the anchors, at least 32 characters. When left out one is made and kept in"
        " `audit/anchor.key` in the folder of the state.",
    )
    anchor_records: int = option(1000, "An anchor after so many records.", validator=ge(1))
    anchor_seconds: float = option(60.0, "Or after so many seconds.", validator=gt(0))
    traffic: Policy = option(
        "none",
        "Whether what callers ask is audited, never its words: `open` goes on when the trail"
        " cannot be written, `closed` refuses requests then.",
    )
    tenants: dict[str, Policy] = option({}, "The same for single tenants.")
    digests: bool = option(
        False, "Whether the records of traffic hold the SHA-256 of each request and answer."
    )

    def policy_of(self, tenant: str) -> Policy:
        """How the traffic of a tenant is audited."""
        return self.tenants.get(tenant, self.traffic)
