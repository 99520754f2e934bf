"""The conformance suite for stores: every promise of `jackfield.store`, for any store.

A store's tests run it with a single test of their own:

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    async def test_store_keeps(promise: Promise, site: Site) -> None:
        await promise(site)

Its fixture `site` says where a new store is, and how to open it, also in other processes.
`jackfield.testing.stores.machine` compares a store with a model in random histories; it needs
Hypothesis.
"""

from .catalogue import PROMISES
from .promise import BrokenPromiseError, Promise
from .site import Site

__all__ = ["PROMISES", "BrokenPromiseError", "Promise", "Site"]
