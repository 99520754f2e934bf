"""The database file: its tables, its schema version, and how it is opened."""

import contextlib
import errno
import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import Final

from jackfield.errors import ConfigError

from . import clock

APPLICATION: Final = 0x4A61636B
VERSION: Final = 2
BUSY_MS: Final = 2000
LONG_LOG: Final = 8000
"""Pages in the log above which a commit makes a checkpoint itself."""

LONGEST: Final = 400 * 86_400
"""Seconds for which an account with an unknown window is kept: it may be a year."""

ACCOUNTS: Final = """
CREATE TABLE account (
  scope TEXT NOT NULL, name TEXT NOT NULL, keep INTEGER NOT NULL, ends REAL NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_ends ON account (ends);
"""

TABLES: Final = """
CREATE TABLE clock (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  boot TEXT NOT NULL, base REAL NOT NULL, time REAL NOT NULL, rate REAL NOT NULL
) STRICT;

CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), data BLOB NOT NULL) STRICT;

CREATE TABLE value (
  scope TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, version INTEGER NOT NULL,
  expires REAL, PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX value_expires ON value (expires) WHERE expires IS NOT NULL;

CREATE TABLE owner (
  owner TEXT PRIMARY KEY, posted INTEGER NOT NULL, stated INTEGER NOT NULL,
  expires REAL, ended REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX owner_expires ON owner (expires) WHERE expires IS NOT NULL;

CREATE TABLE hold (
  scope TEXT NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, amount INTEGER NOT NULL,
  bucket INTEGER NOT NULL, on_death TEXT NOT NULL, PRIMARY KEY (scope, name, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_owner ON hold (owner);

CREATE TABLE forfeit (
  owner TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, bucket INTEGER NOT NULL,
  amount INTEGER NOT NULL, PRIMARY KEY (owner, scope, name, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE spent (
  scope TEXT NOT NULL, name TEXT NOT NULL, bucket INTEGER NOT NULL, amount INTEGER NOT NULL,
  PRIMARY KEY (scope, name, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE record (
  id INTEGER PRIMARY KEY AUTOINCREMENT, scope TEXT NOT NULL, time REAL NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE INDEX record_place ON record (scope, time, id);

CREATE TABLE tally (
  scope TEXT NOT NULL, series TEXT NOT NULL, hour INTEGER NOT NULL, field TEXT NOT NULL,
  amount INTEGER NOT NULL, PRIMARY KEY (scope, series, hour, field)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, data BLOB NOT NULL,
  time REAL NOT NULL
) STRICT;
"""


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the file, which is created if missing; for one thread at a time.

    Raises ConfigError for a file that is not a database of this plugin or has a later version, and
    sqlite3.Error for errors that may be temporary.
    """
    _make(path)
    db = sqlite3.connect(
        path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _make(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_ISDIR(_mode(path)):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from error


def _mode(path: Path) -> int:
    # An existing file is not opened here: closing it would release all locks that SQLite
    # holds on it in this process. Another process that closes it would then think it was the last,
    # and delete the log.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return path.stat().st_mode


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    try:
        _use_wal(db)
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        db.execute(f"PRAGMA wal_autocheckpoint = {LONG_LOG}")
        # Everything that is checked is read in one transaction, because another process may be
        # creating the tables right now.
        db.execute("BEGIN")
        version = _version(db, path)
        db.execute("COMMIT")
        if version < VERSION:
            db.execute("BEGIN IMMEDIATE")
            _build(db, _version(db, path))
            db.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise _unusable(path, "is no SQLite database; name another file") from None
        raise


def _use_wal(db: sqlite3.Connection) -> None:
    # Unlike elsewhere, two processes that change the mode at once do not wait for each other.
    end = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.002)


def _version(db: sqlite3.Connection, path: Path) -> int:
    """The version of the tables; 0 if there are none."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION:
        raise _unusable(path, "is a database of another program; name another file")
    if version > VERSION:
        raise _unusable(
            path,
            f"has version {version} of the tables and this plugin knows {VERSION}; "
            "upgrade jackfield-sqlite-store, or name another file",
        )
    return int(version) if tables else 0


def _build(db: sqlite3.Connection, version: int) -> None:
    """Create the tables that a version lacks."""
    if version < 1:
        _make_tables(db, TABLES)
        db.execute(f"PRAGMA application_id = {APPLICATION}")
    if version < 2:
        _make_tables(db, ACCOUNTS)
        db.execute(
            "INSERT INTO account SELECT scope, name, ?, ? FROM spent WHERE bucket > 0"
            " GROUP BY scope, name",
            (LONGEST, clock.now(db) + LONGEST),
        )
    db.execute(f"PRAGMA user_version = {VERSION}")


def _make_tables(db: sqlite3.Connection, tables: str) -> None:
    for statement in tables.split(";\n"):
        db.execute(statement)


def _unusable(path: Path, why: str) -> ConfigError:
    return ConfigError([f"plugins.sqlite_store.path: {path} {why}"])
