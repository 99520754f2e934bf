"""The plugin: removes the targets of other regions from the plan."""

from collections.abc import Mapping

from attrs import frozen

from jackfield import Exchange, Plan, Plugin, hookimpl, option


class RegionPinning(Plugin):
    """Keeps each tenant's requests in its region."""

    @frozen
    class Config:
        """`[plugins.region_pinning]`."""

        regions: Mapping[str, str] = option(doc="The region of each tenant that is pinned to one.")
        default: str | None = option(None, "The region of all other tenants; by default any.")

    config: Config

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Keep the targets in the tenant's region. A target without a region is in none."""
        tenant = exchange.principal.tenant
        region = self.config.regions.get(tenant, self.config.default)
        if region is None:
            return None
        return plan.keep(
            lambda target: target.region == region, because=f"{tenant} is pinned to {region}"
        )
