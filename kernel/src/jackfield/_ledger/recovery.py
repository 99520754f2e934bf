"""Recovery: posting the journals of dead owners to the store."""

import asyncio
import logging
import time
from pathlib import Path

from attrs import define, field

from jackfield._journal.folder import Folder, closed, sweep, unclosed
from jackfield._journal.segments import UnknownFormat
from jackfield._ledger.poster import Poster
from jackfield.journal import Journal, JournalUnavailable
from jackfield.store import Store

logger = logging.getLogger("jackfield.ledger")


@define(eq=False)
class Recovery:
    """Recovers the journals in one folder; several processes may do so at the same time.

    `recovered` counts journals, `presumed` the promises in them that had to be posted, `damaged`
    the unreadable places.
    """

    _store: Store
    _root: Path
    _segment_bytes: int
    recovered: int = field(default=0, init=False)
    presumed: int = field(default=0, init=False)
    damaged: int = field(default=0, init=False)
    _problems: dict[Path, str] = field(factory=dict, init=False)

    async def recover(self) -> None:
        """Recover the journals of all dead owners. Raises StoreUnavailable."""
        for path in unclosed(self._root):
            await self._try(path)

    async def review(self) -> None:
        """Repost closed journals if the store has lost parts of them."""
        for kept in closed(self._root):
            if await self._store.post(kept.owner, kept.last + 1, ()) < kept.last:
                await self._try(kept.path)

    def forget(self, keep_seconds: float) -> None:
        """Delete journals that were closed long ago."""
        sweep(self._root)
        before = time.time() - keep_seconds
        for kept in closed(self._root):
            if kept.since < before and (folder := Folder.claim(kept.path)) is not None:
                folder.delete()

    async def _try(self, path: Path) -> None:
        folder = Folder.claim(path)
        if folder is None:
            return
        journal = await self._reopen(folder)
        if journal is None:
            return
        done = False
        try:
            await self._recover(journal)
            done = True
        except (OSError, JournalUnavailable) as error:
            self._report(path, error)
        finally:
            self.damaged += journal.damaged
            journal.close(done=done)
        if done:
            self._problems.pop(path, None)

    async def _reopen(self, folder: Folder) -> Journal | None:
        reopening = asyncio.create_task(
            asyncio.to_thread(Journal.reopen, folder, self._segment_bytes)
        )
        try:
            return await asyncio.shield(reopening)
        except (OSError, UnknownFormat) as error:
            folder.release()
            self._report(folder.path, error)
            return None
        except asyncio.CancelledError:
            # The thread continues, and would leave the folder locked for everyone else.
            reopening.add_done_callback(lambda task: _release(folder, task))
            raise

    async def _recover(self, journal: Journal) -> None:
        known = await self._store.post(journal.owner, journal.last + 1, ())
        journal.skip_to(known)
        presumed = journal.keep_promises()
        unsynced = journal.unsynced()
        await asyncio.to_thread(unsynced.sync)
        journal.synced(unsynced)
        journal.confirm(known)
        poster = Poster(self._store, journal)
        await poster.post(journal.last)
        await self._store.close_owner(journal.owner)
        self.recovered += 1
        self.presumed += presumed
        logger.warning(
            "recovered the journal of dead owner %s: %d postings, %d of them presumed",
            journal.owner,
            poster.posted,
            presumed,
        )

    def _report(self, path: Path, error: Exception) -> None:
        if self._problems.get(path) != str(error):
            self._problems[path] = str(error)
            logger.error("the journal in %s cannot be recovered yet: %s", path, error)


def _release(folder: Folder, reopening: asyncio.Task[Journal]) -> None:
    if reopening.cancelled() or reopening.exception() is not None:
        folder.release()
    else:
        reopening.result().close()
