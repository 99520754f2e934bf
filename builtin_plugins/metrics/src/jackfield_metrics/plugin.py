"""The plugin: counts exchanges, and serves the metrics to Prometheus."""

import asyncio
import logging
from functools import partial
from typing import ClassVar, Final

from attrs import frozen
from prometheus_client.exposition import choose_encoder

from jackfield import Exchange, Outcome, Plugin, Response, Setup, hookimpl
from jackfield.admin import MANAGE, admin_endpoint
from jackfield.catalogue import Catalogue
from jackfield.config import option

from .default_registry import DefaultRegistry
from .families import Exposition, Family, collected
from .meters import Meters
from .shared_file import SharedFile

logger = logging.getLogger("jackfield.metrics")

PATH: Final = "/metrics"
_WRITE_SECONDS: Final = 1.0


class Metrics(Plugin):
    """Counts requests, latency, tokens, cost, attempts and plugins in all workers."""

    @frozen
    class Config:
        """`[plugins.metrics]`."""

        tenants: bool = option(
            False, "Adds the label `tenant` to requests and cost: a series for each tenant."
        )

    on_error: ClassVar = "skip"
    wants_usage: ClassVar[bool] = True

    config: Config
    _meters: Meters
    _file: SharedFile
    _others: DefaultRegistry
    _changed = False

    async def start(self, setup: Setup) -> None:
        """Add the endpoint, and start to write this process's metrics for the other workers."""
        self._meters = Meters(setup.plugins, setup.prices, tenants=self.config.tenants)
        folder = setup.state_dir / self.name
        self._file, self._others = SharedFile(folder), DefaultRegistry(folder)
        self._writing = asyncio.create_task(self._write())
        endpoint = partial(admin_endpoint, "GET", PATH, self.show)
        setup.add_admin_endpoint(endpoint(permission=MANAGE))
        setup.add_endpoint(endpoint(permission="metrics"))

    async def stop(self) -> None:
        """Write the metrics for the last time."""
        if hasattr(self, "_writing"):
            self._writing.cancel()
            await asyncio.wait([self._writing])
            await asyncio.to_thread(self._file.close, self._own())

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Count a request in progress, except those to the admin API."""
        if exchange.dry_run or exchange.operation == "admin":
            exchange.leave(self)
        else:
            self._changed = True
            self._meters.in_flight.inc()

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Count a request that has ended."""
        self._changed = True
        self._meters.in_flight.dec()
        self._meters.count(exchange, outcome)

    async def show(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """Metrics of all workers, in the format of Prometheus or of OpenMetrics."""
        total = await asyncio.to_thread(self._file.total, self._own())
        encode, media = choose_encoder(exchange.request.headers.get("accept", ""))
        return Response(200, encode(Exposition(total)), media)

    def _own(self) -> list[Family]:
        """This process's metrics, and those of other plugins in the default registry."""
        return [*collected(self._meters.registry), *self._others.families()]

    async def _write(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            if not self._changed:
                continue
            self._changed = False
            try:
                await asyncio.to_thread(self._file.write, self._own())
                failing = False
            except OSError as error:
                if not failing:
                    logger.warning("metrics cannot be written for other workers: %s", error)
                self._changed = failing = True
