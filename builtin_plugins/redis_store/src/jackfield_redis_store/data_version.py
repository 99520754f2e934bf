"""The version of the data: an older gateway must not misread what a newer one has written."""

from typing import Final

from jackfield.store import Conflict, Store

VERSION: Final = 1
PLACE: Final = "redis_store/data_version"

_GATEWAY: Final = ""
"""The scope of what belongs to no tenant."""


async def check_data_version(store: Store) -> None:
    """Write the version to a new server.

    Raises ValueError if the data has a newer one, and StoreUnavailable.
    """
    try:
        await store.put(_GATEWAY, PLACE, b"%d" % VERSION, expect=0)
    except Conflict:
        value = await store.get(_GATEWAY, PLACE)
        found = int(value.data) if value is not None else VERSION
        if found > VERSION:
            raise ValueError(
                f"has data of version {found} and this plugin knows {VERSION}; upgrade"
                " jackfield-redis-store, or use another `prefix`"
            ) from None
