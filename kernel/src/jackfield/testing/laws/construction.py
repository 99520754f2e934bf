"""Creating a plugin only checks its configuration: `jackfield check` does it without a network."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from attrs import define, field

from jackfield.testing.harness import created
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_FORBIDDEN = frozenset(
    {
        "_thread.start_new_thread",
        "open",
        "os.listdir",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.scandir",
        "os.system",
        "shutil.copyfile",
        "shutil.rmtree",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "sqlite3.connect",
        "subprocess.Popen",
        "urllib.Request",
    }
)
_CODE = (".py", ".pyc", ".so", ".pyd")


@define(eq=False)
class Watch:
    """Records one thread's audit events while it is on."""

    installed: bool = False
    thread: int | None = None
    seen: list[str] = field(factory=list)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an event unless it belongs to an import."""
        if self.thread != threading.get_ident() or event not in _FORBIDDEN:
            return
        if event == "open" and (str(arguments[0]).endswith(_CODE) or _is_imported(arguments[0])):
            return
        self.seen.append(f"{event}({arguments[0]!r})" if arguments else event)

    @contextmanager
    def harness(self) -> Iterator[list[str]]:
        """What is done in the block."""
        if not self.installed:
            sys.addaudithook(self)
            self.installed = True
        self.seen, self.thread = [], threading.get_ident()
        try:
            yield self.seen
        finally:
            self.thread = None


_WATCH = Watch()


def _is_imported(path: object) -> bool:
    """Whether a module is being imported: the import system lists folders and opens files."""
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
    return False


async def does_no_io(subject: Subject) -> None:
    """Create it once more while the interpreter's audit events are recorded."""
    first = created(subject)
    with _WATCH.harness() as seen:
        again = attrs.evolve(first.config) if attrs.has(type(first.config)) else first.config
        subject.kind(again)
    if seen:
        raise LawBrokenError(f"its __init__ did {seen[0]}; I/O belongs into start")


CONSTRUCTION = (Law("no-io-in-init", "__init__ does no I/O", does_no_io, everybody),)
