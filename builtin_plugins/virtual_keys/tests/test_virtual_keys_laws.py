"""The laws of plugins, with a key that is known before it is made."""

from typing import Any

from jackfield import Setup
from jackfield.testing import check_plugin
from jackfield_virtual_keys import VirtualKeys
from jackfield_virtual_keys.holders import Organization, VirtualKey
from jackfield_virtual_keys.key_text import new_key_text, written

KEY = new_key_text()


class virtual_keys(VirtualKeys):  # named as its table is, for the kit calls it so
    """The plugin, with an organization and a key of which the kit knows."""

    async def start(self, setup: Setup) -> None:
        await super().start(setup)
        assert self._keyring is not None
        keys = self._keyring._keys
        organizations = keys.hierarchy.of_kind["organization"]
        whole = Organization(name="acme", permissions=("*",), models=("fake/*",))
        key = VirtualKey(organization="acme", digest=keys.pepper.digest(KEY.secret))
        for collection, id, item in ((organizations, "acme", whole), (keys, KEY.id, key)):
            if await collection.get(id) is None:
                items: Any = collection.item_store
                await items.put(items.draft(id, item), item, "")


test_laws = check_plugin(
    virtual_keys,
    headers={"authorization": f"Bearer {written(KEY)}"},
    skip={
        "bow-out": "without it nobody knows who asks, and the kernel refuses",
        "failure-policy-pre_request": "the same: what is skipped lets nobody in",
    },
)
