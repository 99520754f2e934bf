"""Identifies who makes a request on the admin listener."""

from jackfield.admin.change import Actor
from jackfield.admin.idempotency import checked_key
from jackfield.admin.roles import EVERYONE
from jackfield.errors import Forbidden
from jackfield.exchange import Exchange


def actor_of(exchange: Exchange) -> Actor:
    """The actor of a request. Raises Forbidden for a principal that has no role."""
    principal, request = exchange.principal, exchange.request
    role = next((role for role in EVERYONE if role == principal.role), None)
    if role is None:
        raise Forbidden("This key has no role in administration.")
    scopes = principal.scopes
    teams = tuple(scope for scope in scopes if scope.startswith("team:") and role != "member")
    bound = any(scope.startswith("organization:") for scope in scopes)
    whose = principal.tenant if bound else ""
    key = checked_key(request.headers.get("idempotency-key", ""))
    return Actor(role, principal, exchange.id, request.client, whose, teams, idempotency_key=key)
