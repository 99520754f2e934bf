"""Locates the trail, its anchors and the anchors' key."""

import os
import secrets as randomness
from collections.abc import Awaitable, Callable
from pathlib import Path

from attrs import frozen

from jackfield import ConfigError, Secret, SecretRef

from .anchors import AnchorFile
from .config import AuditConfig

_SHORTEST_KEY = 32


@frozen
class Files:
    """The files of one configuration."""

    trail: Path
    anchors: AnchorFile
    anchor_seconds: float


async def files_of(
    config: AuditConfig,
    state_dir: Path,
    resolve: Callable[[SecretRef], Awaitable[Secret]],
    *,
    create: bool = True,
) -> Files:
    """Find the files; if the configuration has no key, one is kept, and created if necessary.

    Without `create` nothing is written. Raises ConfigError, SecretError, OSError.
    """
    folder = state_dir / "audit"
    trail = config.path or folder / "trail.jsonl"
    anchors = config.anchors or folder / "anchors.jsonl"
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if config.anchor_key is None:
        path = folder / "anchor.key"
        if not path.exists():
            _check_unsigned(anchors, path)
        key = _kept_key(path) if create or path.exists() else Secret(randomness.token_hex(32))
    else:
        key = await resolve(config.anchor_key)
        if len(key.reveal()) < _SHORTEST_KEY:
            what = f"plugins.audit.anchor_key: it has fewer than {_SHORTEST_KEY} characters"
            raise ConfigError([f"{what}; `openssl rand -hex 32` makes a good one"])
    return Files(trail, AnchorFile(anchors, key), config.anchor_seconds)


def _check_unsigned(anchors: Path, key: Path) -> None:
    """Raise ConfigError for anchors that were signed with a key that is gone."""
    if anchors.exists() and anchors.stat().st_size:
        raise ConfigError(
            [
                f"plugins.audit: {key} is missing, with which {anchors} was signed. Put it back"
                " from a backup, or move the trail and its anchors away together to start new ones"
            ]
        )


def _kept_key(path: Path) -> Secret:
    """The key in the file, which is created if missing. Safe for several processes."""
    made = path.with_suffix(f".{os.getpid()}-{randomness.token_hex(4)}")
    if not path.exists():
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(randomness.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)
        except FileExistsError:
            pass  # another process was first: use its key
        finally:
            made.unlink()
    return Secret(path.read_text().strip())
