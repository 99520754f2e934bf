"""The promises about values."""

from jackfield.store import Conflict, Store, Value

from .promise import eventually, on_a_store, refused, same

HOSTILE = ("", "a", "a:b", "{a}", "a}b{", "*", "a*", "[a-z]?", "a/b", " ", "\n", "ä", "日本", "🙂")
"""Words that a careless store takes for something of its own."""


@on_a_store
async def keeps_a_value(store: Store) -> None:
    """What was put is there, complete and with its version."""
    data = bytes(range(256)) * 300
    same(await store.get("s", "k"), None)
    same(await store.put("s", "k", data), 1)
    same(await store.get("s", "k"), Value("k", data, 1))
    same(await store.put("s", "k", b""), 2)
    same(await store.get("s", "k"), Value("k", b"", 2))


@on_a_store
async def deletes_a_value(store: Store) -> None:
    """What was deleted is gone, and its versions start again."""
    await store.put("s", "k", b"1")
    same(await store.delete("s", "k"), True)
    same(await store.delete("s", "k"), False)
    same(await store.get("s", "k"), None)
    same(await store.put("s", "k", b"2", expect=0), 1)


@on_a_store
async def changes_a_value_only_at_the_version_expected(store: Store) -> None:
    """Of two concurrent changes, one gets a conflict."""
    same(await store.put("s", "k", b"1", expect=0), 1)
    conflict = await refused(Conflict, store.put("s", "k", b"2", expect=0))
    same(getattr(conflict, "version", None), 1)
    same(await store.put("s", "k", b"2", expect=1), 2)
    await refused(Conflict, store.delete("s", "k", expect=1))
    await refused(Conflict, store.delete("s", "other", expect=1))
    same(await store.get("s", "k"), Value("k", b"2", 2))
    same(await store.delete("s", "k", expect=2), True)
    same(await store.delete("s", "k", expect=0), False)


@on_a_store
async def forgets_a_value_after_its_time(store: Store) -> None:
    """A value with a `ttl` is gone when that has passed."""
    await store.put("s", "gone", b"1", ttl=0.05)
    await store.put("s", "long", b"1", ttl=1000)
    await store.put("s", "kept", b"1", ttl=0.05)
    await store.put("s", "kept", b"2")
    await eventually(lambda: store.get("s", "gone"), None)
    same([value.key for value in await store.scan("s")], ["kept", "long"])
    same(await store.put("s", "gone", b"3", expect=0), 1)


@on_a_store
async def scans_in_the_order_of_keys(store: Store) -> None:
    """By code points, page by page, nothing repeated and nothing left out."""
    keys = sorted(["a", "a\x01", "a/", "a/1", "a/10", "a/2", "aa", "b", "ä", "\uffff", "🙂", "A"])
    for key in reversed(keys):
        await store.put("s", key, key.encode())
    same([value.key for value in await store.scan("s")], keys)
    paged: list[str] = []
    while page := await store.scan("s", after=paged[-1] if paged else "", limit=5):
        paged += [value.key for value in page]
    same(paged, keys)


@on_a_store
async def scans_the_keys_with_a_prefix(store: Store) -> None:
    """Including prefixes that have a special meaning to a careless store."""
    keys = ["a", "a*", "a*b", "a[b]", "ab", "ab\U0010ffff", "ab\U0010ffffz", "ac", "%", "_"]
    for key in keys:
        await store.put("s", key, b"")
    for prefix in ("", "a", "a*", "a[", "ab", "%", "_", "z", "ab\U0010ffff"):
        due = sorted(key for key in keys if key.startswith(prefix))
        same([value.key for value in await store.scan("s", prefix)], due, repr(prefix))
    same([value.key for value in await store.scan("s", "a", after="ab", limit=1)], ["ab\U0010ffff"])
    same([value.key for value in await store.scan("s", "ab", after="a")][:1], ["ab"])


@on_a_store
async def keeps_scopes_apart(store: Store) -> None:
    """Whatever their names, and those of their keys."""
    names = [*HOSTILE, "a" * 2000]
    places = [(scope, key) for scope in names for key in names if key]
    for place, (scope, key) in enumerate(places):
        same(await store.put(scope, key, str(place).encode()), 1, f"{scope!r}, {key!r}")
    for place, (scope, key) in enumerate(places):
        same(await store.get(scope, key), Value(key, str(place).encode(), 1))
    for scope in names:
        due = sorted(key for key in names if key)
        same([value.key for value in await store.scan(scope)], due, repr(scope))


@on_a_store
async def refuses_names_with_a_nul(store: Store) -> None:
    """In scopes and in keys, because some stores would cut them there."""
    await refused(ValueError, store.put("a\0b", "k", b""))
    await refused(ValueError, store.put("s", "a\0b", b""))


VALUES = (
    keeps_a_value,
    deletes_a_value,
    changes_a_value_only_at_the_version_expected,
    forgets_a_value_after_its_time,
    scans_in_the_order_of_keys,
    scans_the_keys_with_a_prefix,
    keeps_scopes_apart,
    refuses_names_with_a_nul,
)
