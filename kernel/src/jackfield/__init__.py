"""Jackfield's public surface: what a plugin author imports.

Dialect authors also need `jackfield.messages`, `.events`, `.dialects`, `.sse`, `.strict_json` and
`.json_spans`; provider authors `jackfield.providers`; tests of any plugin `jackfield.testing`.
"""

from jackfield._config.options import option
from jackfield.endpoints import Endpoint
from jackfield.errors import (
    ConfigError,
    Forbidden,
    GatewayError,
    InvalidRequest,
    JackfieldError,
    NotFound,
    ProviderError,
    RateLimited,
    Unauthenticated,
)
from jackfield.exchange import Exchange, Principal, Request
from jackfield.messages import Usage
from jackfield.plan import Decision, Plan, Target
from jackfield.plugin import CallNext, Plugin, dry_runs_only, hookimpl
from jackfield.response import Attempt, Chunk, Outcome, Response
from jackfield.secrets import Secret, SecretRef
from jackfield.setup import Setup

__all__ = [
    "Attempt",
    "CallNext",
    "Chunk",
    "ConfigError",
    "Decision",
    "Endpoint",
    "Exchange",
    "Forbidden",
    "GatewayError",
    "InvalidRequest",
    "JackfieldError",
    "NotFound",
    "Outcome",
    "Plan",
    "Plugin",
    "Principal",
    "ProviderError",
    "RateLimited",
    "Request",
    "Response",
    "Secret",
    "SecretRef",
    "Setup",
    "Target",
    "Unauthenticated",
    "Usage",
    "dry_runs_only",
    "hookimpl",
    "option",
]
