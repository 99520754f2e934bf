"""Building blocks for administration by plugins: collections of items, rights, rules and audit."""

from .actors import actor_of
from .attributes import Rights, attribute
from .change import Actor, AdminChange, Auditor, Change, Stored
from .collection import Action, Collection
from .errors import AlreadyExists, AuditUnavailable, InUse, Stale
from .roles import EVERYONE, MANAGE, MANAGERS, OWNERS, READERS, WRITERS, Role, Roles, permissions_of
from .routes import Routes, admin_endpoint

__all__ = [
    "EVERYONE",
    "MANAGE",
    "MANAGERS",
    "OWNERS",
    "READERS",
    "WRITERS",
    "Action",
    "Actor",
    "AdminChange",
    "AlreadyExists",
    "AuditUnavailable",
    "Auditor",
    "Change",
    "Collection",
    "InUse",
    "Rights",
    "Role",
    "Roles",
    "Routes",
    "Stale",
    "Stored",
    "actor_of",
    "admin_endpoint",
    "attribute",
    "permissions_of",
]
