"""Keeps a number of worker processes alive: starts, restarts, reloads and drains them."""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from attrs import define, field, frozen

from jackfield._server.sockets import close_all

logger = logging.getLogger("jackfield.supervisor")

_COPY = get_context("fork")
_FRESH = get_context("spawn")
_BEAT = b"beat"
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# A worker that lived this long did not die because of how it starts.
_SETTLED_SECONDS = 2.0
_KILL_AFTER = 1.0
_STEP_SECONDS = 1.0
_SILENT_SECONDS = 30.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@frozen
class Worker:
    """What a worker process gets from its supervisor: its index and its listening sockets.

    `link` leads to the supervisor; it is None if there is none.
    """

    index: int
    sockets: tuple[socket.socket, ...]
    link: "connection.Connection[bytes, bytes] | None" = None

    def beat(self) -> None:
        """Report that this worker serves, at least every few seconds.

        One that dies before its first report counts as unable to start.
        """
        if self.link is not None:
            # A stopped supervisor does not listen; `_follow` notices when it has died.
            with suppress(BlockingIOError, BrokenPipeError):
                self.link.send_bytes(_BEAT)


@define(eq=False)
class _Slot:
    """The place of one worker: its sockets outlive the processes that serve them."""

    index: int
    sockets: tuple[socket.socket, ...]
    process: BaseProcess | None = None
    link: "connection.Connection[bytes, bytes] | None" = None
    began: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float = 0.0
    ready: bool = False
    silent: float = 0.0

    @property
    def running(self) -> BaseProcess | None:
        process = self.process
        return process if process is not None and process.is_alive() else None

    def postpone(self, now: float) -> float:
        """Set when to start it, after a pause that grows; return the pause."""
        pause, self.due, self.pause = self.pause, now + self.pause, self.pause * 2
        self.pause = min(self.pause, _LONGEST_PAUSE)
        return pause

    def close_link(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def listen(self, passed: float) -> None:
        """Read the worker's reports; it had `passed` seconds to send them."""
        self.silent += passed
        with suppress(EOFError):
            while self.link is not None and self.link.poll():
                self.link.recv_bytes()
                self.ready, self.silent = True, 0.0


def run_workers(
    count: int,
    target: Callable[..., None],
    args: tuple[Any, ...] = (),
    *,
    sockets: Sequence[Iterable[socket.socket]] = (),
    grace: float = 30.0,
) -> int:
    """Run `target(worker, *args)` in `count` processes until SIGTERM or SIGINT; the exit code.

    A worker is a fork of this process, so it starts quickly: whatever is imported here is already
    loaded. Where forking is unsafe, because other threads run here or the system is not Linux, it
    is a fresh interpreter; so `target` must be a module's function and `args` picklable.

    `target` gets SIGTERM to drain, SIGHUP to reload, and is killed `grace` + 1 seconds after
    SIGTERM. `sockets` has what each worker listens on (`bind_workers`). They stay open here as
    well, so clients queued for a dead worker are served by its successor. When draining begins they
    are closed here first: then a worker's own close, after it has emptied its queue, is the last
    one, and no connected client is lost.

    A dead worker is restarted at once; one that keeps dying, after increasing pauses (up to 5 s).
    One that has served and then does not `beat` for half a minute is killed: its event loop hangs,
    and with it every client that the system assigns to it. If a worker dies before it was ever
    ready, all are stopped and the result is its exit code, or 1. If this process dies, its workers
    get SIGTERM and end.
    """
    listeners = [tuple(each) for each in sockets] or [()] * count
    slots = [_Slot(index, each) for index, each in zip(range(count), listeners, strict=True)]
    try:
        return _Supervisor(target, args, slots, grace).run()
    finally:
        for slot in slots:
            close_all(slot.sockets)


@define(eq=False)
class _Supervisor:
    _target: Callable[..., None]
    _args: tuple[Any, ...]
    _slots: list[_Slot]
    _grace: float
    _wakers: tuple[socket.socket, ...] = ()
    _received: list[int] = field(factory=list)
    _failure: int = 0
    _kill_at: float | None = None
    _warned: bool = False
    _looked: float = 0.0

    def run(self) -> int:
        wake, signalled = self._wakers = socket.socketpair()
        signalled.setblocking(False)
        previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        old_wakeup = signal.set_wakeup_fd(signalled.fileno(), warn_on_full_buffer=False)
        try:
            while self._step():
                self._wait(wake)
        finally:
            self._kill()
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)
            close_all(self._wakers)
        return self._failure

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._received.append(number)

    def _step(self) -> bool:
        """Act on signals and deaths; False when all is over."""
        while self._received:
            self._obey(self._received.pop(0))
        now = time.monotonic()
        # Less than the clock says if this process was suspended: then so were the workers.
        passed, self._looked = min(now - self._looked, 2 * _STEP_SECONDS), now
        for slot in self._slots:
            slot.listen(passed)
            if slot.process is not None and not slot.process.is_alive():
                self._bury(slot, slot.process, now)
            elif slot.ready and slot.silent > _SILENT_SECONDS and self._kill_at is None:
                self._end_silent(slot)
            if slot.process is None and self._kill_at is None and now >= slot.due:
                self._start(slot, now)
        if self._kill_at is None:
            return True
        if now >= self._kill_at:
            self._kill()
        return any(slot.running for slot in self._slots)

    def _wait(self, wake: socket.socket) -> None:
        now = time.monotonic()
        dues = [slot.due for slot in self._slots if slot.process is None]
        dues = dues if self._kill_at is None else [self._kill_at]
        timeout = max(0.0, min([now + _STEP_SECONDS, *dues]) - now)
        # Including those of dead workers: one may have died since the last step.
        sentinels = [slot.process.sentinel for slot in self._slots if slot.process is not None]
        if wake in connection.wait([wake, *sentinels], timeout):
            wake.recv(1024)

    def _obey(self, number: int) -> None:
        if number == signal.SIGHUP:
            self._send(signal.SIGHUP)
        elif self._kill_at is None:
            self._stop()
        else:
            logger.warning("told to stop again: killing the workers")
            self._kill()

    def _start(self, slot: _Slot, now: float) -> None:
        slot.ready, slot.silent, slot.began = False, 0.0, now
        try:
            slot.link, other_end = connection.Pipe()
            with other_end:
                slot.process = self._started(Worker(slot.index, slot.sockets, other_end))
        except OSError as error:  # the system has no memory, processes or files left
            slot.close_link()
            pause = slot.postpone(now)
            logger.error("worker %d: %s; trying again in %.1f s", slot.index, error, pause)

    def _started(self, worker: Worker) -> BaseProcess:
        process = self._new_process(worker)
        # The mask is inherited: no signal reaches the worker before it has removed these handlers.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return process

    def _new_process(self, worker: Worker) -> BaseProcess:
        work = (worker, self._target, self._args, self._grace)
        name = f"jackfield-worker-{worker.index}"
        if self._can_copy():
            return _COPY.Process(target=self._work_in_copy, args=work, name=name)
        return _FRESH.Process(target=_work, args=work, name=name)

    def _can_copy(self) -> bool:
        """Whether a fork is safe. A lock held by another thread would stay locked in the copy."""
        if not os.path.isdir("/proc/self/task"):  # only Linux has it
            return False
        # Not `threading`, which does not know the threads of extension modules.
        threads = len(os.listdir("/proc/self/task"))
        if threads > 1 and not self._warned:
            self._warned = True
            logger.warning(
                "workers start as fresh interpreters, which takes longer: importing the plugins has"
                " started threads (%d here, of them in Python: %s)",
                *(threads, ", ".join(thread.name for thread in threading.enumerate())),
            )
        return threads == 1

    def _work_in_copy(self, worker: Worker, *rest: Any) -> None:
        """Close what belongs to the supervisor and the other workers, then work.

        `multiprocessing`'s own two pipes per worker stay open: nobody here uses them.
        """
        signal.set_wakeup_fd(-1)
        close_all(self._wakers)
        for slot in self._slots:
            if slot.link is not None:
                slot.link.close()
            if slot.index != worker.index:
                close_all(slot.sockets)
        _work(worker, *rest)

    def _bury(self, slot: _Slot, process: BaseProcess, now: float) -> None:
        process.join()
        slot.process = None
        slot.close_link()
        code = process.exitcode or 0
        if self._kill_at is not None:
            return
        # One that was killed says nothing about those that come after it.
        if not slot.ready and not slot.due and code != -signal.SIGKILL:
            logger.error("worker %d could not start (exit code %d)", slot.index, code)
            self._failure = code if code > 0 else 1
            self._stop()
            return
        if now - slot.began >= _SETTLED_SECONDS:
            slot.pause = _FIRST_PAUSE
        facts = (slot.index, process.pid, code, slot.postpone(now))
        logger.error("worker %d (pid %s) ended with exit code %d; restarting it in %.1f s", *facts)

    def _end_silent(self, slot: _Slot) -> None:
        if (process := slot.running) is not None:
            details = (slot.index, process.pid, slot.silent)
            logger.error("worker %d (pid %s) has been unresponsive for %d s: killing it", *details)
            process.kill()
            slot.silent = 0.0

    def _stop(self) -> None:
        self._kill_at = time.monotonic() + self._grace + _KILL_AFTER
        for slot in self._slots:
            close_all(slot.sockets)
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if (process := slot.running) is not None and process.pid is not None:
                os.kill(process.pid, number)

    def _kill(self) -> None:
        for slot in self._slots:
            if (process := slot.running) is not None:
                process.kill()
                process.join()


def _work(worker: Worker, target: Callable[..., None], args: tuple[Any, ...], grace: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A worker that is still starting reads the newest configuration anyway.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    if worker.link is not None:
        os.set_blocking(worker.link.fileno(), False)
    threading.Thread(target=_follow, args=(worker.link, grace), daemon=True).start()
    target(worker, *args)


def _follow(link: "connection.Connection[bytes, bytes]", grace: float) -> None:
    """End with the supervisor, even if that was killed: first politely, then at once."""
    # Nothing is ever sent to a worker: it becomes readable only when the other end is closed.
    link.poll(None)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace + _KILL_AFTER)
    os._exit(1)
