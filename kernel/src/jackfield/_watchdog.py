"""Finds what blocks the event loop, and names the plugin."""

import asyncio
import logging
import sys
import threading
import time
from types import FrameType

from jackfield._hook_chain import Hook

logger = logging.getLogger("jackfield.watchdog")

BEAT_SECONDS = 0.05
BLOCKED_SECONDS = 0.25


class Watchdog:
    """A thread that inspects the event loop's stack when the loop stops responding.

    `blocks` counts by the name of the plugin, or "kernel".
    """

    def __init__(self) -> None:
        self.blocks: dict[str, int] = {}
        self._beat = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch the loop that runs in this thread."""
        self._heartbeat()
        arguments = (threading.get_ident(),)
        self._thread = threading.Thread(target=self._watch, args=arguments, daemon=True)
        self._thread.name = "jackfield-watchdog"
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stop.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.join()

    def _heartbeat(self) -> None:
        self._beat = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._heartbeat)

    def _watch(self, watched: int) -> None:
        reported = resumed = 0.0
        checked, cpu_total = time.monotonic(), time.process_time()
        while not self._stop.wait(BEAT_SECONDS):
            before, checked = checked, time.monotonic()
            cpu, cpu_total = time.process_time() - cpu_total, time.process_time()
            if checked - before > 2 * BEAT_SECONDS + 10 * cpu:
                resumed = checked  # the whole process was stopped, not its loop
            beat = self._beat
            if beat == reported or checked - max(beat, resumed) < BLOCKED_SECONDS:
                continue
            reported = beat
            culprit, where = find_culprit(sys._current_frames().get(watched))
            self.blocks[culprit] = self.blocks.get(culprit, 0) + 1
            facts = (BLOCKED_SECONDS * 1000, culprit, where)
            logger.error("the event loop has been blocked for over %d ms by %s at %s", *facts)


def find_culprit(frame: FrameType | None) -> tuple[str, str]:
    """Whose code a stack is running: a plugin's name or "kernel", and the innermost place."""
    where = "an unknown place"
    if frame is not None:
        code = frame.f_code
        where = f"{code.co_filename}:{frame.f_lineno} in {code.co_qualname}"
    while frame is not None:
        hook = frame.f_locals.get("hook")
        if isinstance(hook, Hook):
            return f"plugin {hook.plugin.name}", where
        frame = frame.f_back
    return "kernel", where
