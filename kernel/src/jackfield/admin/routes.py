"""The endpoints of one collection on the admin listener."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import parse_qsl

import msgspec

from jackfield import strict_json
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield.admin.action_runner import ActionCall, ActionRunner
from jackfield.admin.actors import actor_of
from jackfield.admin.change import Actor, Stored
from jackfield.admin.change_lock import change_lock
from jackfield.admin.collection import Action, Collection
from jackfield.admin.creation import Creation
from jackfield.admin.guard import Guard
from jackfield.admin.idempotency import Answered
from jackfield.admin.listing import Query, filterable, page
from jackfield.admin.roles import MANAGE
from jackfield.admin.writer import Writer
from jackfield.endpoints import Endpoint
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange
from jackfield.response import Response

if TYPE_CHECKING:
    from jackfield.catalogue import Catalogue
    from jackfield.endpoints import Answering

T = TypeVar("T")


def admin_endpoint(
    method: str,
    path: str,
    answer: "Answering",
    *,
    permission: str = "admin",
    query: tuple[str, ...] = (),
) -> Endpoint:
    """An endpoint for `setup.add_admin_endpoint`; `query` names its query parameters.

    The first line of `answer`'s docstring is its summary in the OpenAPI document. With the
    permission MANAGE every role may call it, and `answer` itself checks `actor_of(exchange)`.
    """
    return Endpoint(method, path, GATEWAY_DIALECT, "admin", permission, answer=answer, query=query)


class Routes(Generic[T]):
    """Answers requests to one collection."""

    def __init__(self, collection: Collection[T]) -> None:
        self.collection = collection
        self._guard = Guard(collection)
        self._writer = Writer(collection)
        self._creation = Creation(collection)
        self._action = ActionRunner(collection)

    def endpoints(self) -> list[Endpoint]:
        """The entries of the endpoint table."""
        many = f"/jackfield/{self.collection.name}"
        one = f"{many}/{{id}}"
        # Once each: `limit` is the size of a page, even if a field has that name.
        filters = tuple(dict.fromkeys(("limit", "after", *filterable(self.collection.Item))))
        return [
            admin_endpoint("GET", many, self.list, permission=MANAGE, query=filters),
            admin_endpoint("POST", many, self.create, permission=MANAGE),
            admin_endpoint("GET", one, self.show, permission=MANAGE),
            admin_endpoint("PATCH", one, self.update, permission=MANAGE),
            admin_endpoint("DELETE", one, self.delete, permission=MANAGE),
            *(
                admin_endpoint("POST", f"{one}/{each.name}", self._acting(each), permission=MANAGE)
                for each in self.collection.actions
            ),
        ]

    async def list(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """List one page, ordered by id."""
        actor = self._reader(exchange)
        query = Query.read(exchange.request.query, self.collection.Item)
        found = await page(self._guard, query, actor)
        known = await self.collection.known(found.stored)
        shown = [
            {**self._guard.shown(stored, actor), **facts}
            for stored, facts in zip(found.stored, known, strict=True)
        ]
        return _json(200, {"data": shown, "next": found.next})

    async def show(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """Show one item."""
        _check_no_query(exchange)
        actor = self._reader(exchange)
        stored = await self._seen(exchange, actor)
        (facts,) = await self.collection.known([stored])
        return _json(200, {**self._guard.shown(stored, actor), **facts})

    async def create(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """Create an item, once for each idempotency key."""
        actor, given = actor_of(exchange), _object(exchange)
        self._guard.check_role(self.collection.creators, actor, "create")
        async with change_lock(self.collection.setup) as lock:
            return _answer(201, await self._creation.create(given, actor, lock))

    async def update(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """Change some fields, by a JSON merge patch."""
        actor, patch = actor_of(exchange), _object(exchange)
        self._guard.check_role(self.collection.writers, actor, "change")
        async with change_lock(self.collection.setup) as lock:
            stored = await self._expected(exchange, actor)
            result = await self._writer.update(stored, patch, actor, lock)
        return _json(200, {**self._guard.shown(result.stored, actor), **result.revealed})

    async def delete(self, exchange: Exchange, catalogue: "Catalogue") -> Response:
        """Delete one item."""
        _check_no_query(exchange)
        actor = actor_of(exchange)
        self._guard.check_role(self.collection.deleters, actor, "delete")
        async with change_lock(self.collection.setup) as lock:
            stored = await self._expected(exchange, actor)
            result = await self._writer.delete(stored, actor, lock)
        return _json(200, {"id": stored.id, "deleted": True, **result.revealed})

    def _acting(self, action: Action) -> "Answering":
        async def act(exchange: Exchange, catalogue: "Catalogue") -> Response:
            actor, given = actor_of(exchange), _object(exchange)
            self._guard.check_role(action.roles, actor, action.name)
            request = ActionCall(action, exchange.request.params["id"], given, _if_match(exchange))
            async with change_lock(self.collection.setup) as lock:
                return _answer(200, await self._action.act(request, actor, lock))

        act.__doc__ = action.doc
        return act

    def _reader(self, exchange: Exchange) -> Actor:
        actor = actor_of(exchange)
        self._guard.check_role(self.collection.readers, actor, "read")
        return actor

    async def _seen(self, exchange: Exchange, actor: Actor) -> Stored[T]:
        id = exchange.request.params["id"]
        return await self._guard.seen(await self.collection.find(id, actor), id, actor)

    async def _expected(self, exchange: Exchange, actor: Actor) -> Stored[T]:
        """The item, if it matches `If-Match`. Raises NotFound, Stale."""
        return self._guard.matched(await self._seen(exchange, actor), _if_match(exchange))


def _object(exchange: Exchange) -> dict[str, Any]:
    """The body, whatever its content type. Raises InvalidRequest if it is not a JSON object.

    Query parameters are refused, because they would be ignored.
    """
    _check_no_query(exchange)
    body = exchange.request.body
    tree = strict_json.decode(body) if body else {}
    if not isinstance(tree, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return tree


def _check_no_query(exchange: Exchange) -> None:
    for name, _ in parse_qsl(exchange.request.query, keep_blank_values=True):
        raise InvalidRequest(f"{name}: query parameters are not accepted here.", param=name)


def _if_match(exchange: Exchange) -> str:
    return exchange.request.headers.get("if-match", "*")


def _answer(status: int, answered: Answered) -> Response:
    answer = _json(status, answered.answer)
    return answer.with_headers(idempotency_replayed="true") if answered.repeated else answer


def _json(status: int, answer: Mapping[str, Any]) -> Response:
    """An answer; a single item comes with its ETag."""
    headers = {"etag": answer["etag"]} if "etag" in answer else {}
    return Response(status, msgspec.json.encode(answer), headers=headers)
