"""The corpus's replay server: all vendors, answering what they once answered."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import frozen
from tests.clients.recording import Recording
from tests.clients.serving import serving_in_a_thread
from tests.corpus import ROOT


@frozen(eq=False)
class Received:
    """A request that reached a vendor."""

    path: str
    headers: dict[str, str]
    body: Any


class Upstream:
    """Answers with the recordings that it is given, in their order."""

    def __init__(self, empty: Path) -> None:
        self._code = _replay_server()
        self._replay = self._code.Replay(empty)
        self.url = ""

    def plays(self, *recordings: Recording) -> None:
        """Answer the next requests with these."""
        self.offers(*recordings)
        self._replay.queue.extend(one.id for one in recordings)

    def offers(self, *recordings: Recording) -> None:
        """Answer any request with that of these which fits it best."""
        for one in recordings:
            self._replay.ex[one.id] = self._code.Exchange(one.source)
            self._replay.providers.add(one.source["provider"])

    def fails(self, status: int, body: Any, **headers: str) -> None:
        """Answer the next request with an error."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._replay.faults.append({"status": status, "body": body, "headers": named})

    @property
    def received(self) -> list[Received]:
        """The requests since the last `forget`."""
        return [Received(e["path"], e["headers"], e["body"]) for e in self._replay.log]

    @property
    def unplayed(self) -> list[str]:
        """The ids of recordings that were not requested."""
        return list(self._replay.queue)

    def forget(self) -> None:
        """Begin anew."""
        for kept in (self._replay.log, self._replay.queue, self._replay.faults, self._replay.ex):
            kept.clear()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve on a port of its own."""
        with serving_in_a_thread(self._replay.handle) as url:
            self.url = url
            yield


def _replay_server() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay", ROOT / "replay.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"no replay.py at {ROOT}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
