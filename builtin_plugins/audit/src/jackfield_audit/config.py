"""The configuration: the table `[plugins.audit]`."""

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
        None, "The trail; by default `audit/trail.jsonl` in the state folder."
    )
    anchors: Path | None = option(
        None,
        "The anchors; by default `audit/anchors.jsonl`. They protect best where those who can write"
        " to the trail cannot: on another disk, or on a mounted write-once store.",
    )
    anchor_key: SecretRef | None = option(
        None,
        "The key of the anchors, at least 32 characters. By default one is created and kept in"
        " `audit/anchor.key` in the state folder.",
    )
    anchor_records: int = option(1000, "Write an anchor after this many records.", validator=ge(1))
    anchor_seconds: float = option(60.0, "Or after this many seconds.", validator=gt(0))
    traffic: Policy = option(
        "none",
        "Whether callers' requests are audited, never their texts: if the trail cannot be written,"
        " `open` goes on, `closed` refuses requests.",
    )
    tenants: dict[str, Policy] = option({}, "The same for individual tenants.")
    digests: bool = option(
        False, "Whether records of traffic contain the SHA-256 of each request and answer."
    )

    def policy_of(self, tenant: str) -> Policy:
        """How the traffic of a tenant is audited."""
        return self.tenants.get(tenant, self.traffic)
