"""The building blocks of plugins' tests.

`run_gateway` is a whole gateway in the test's own process, `FakeProvider` and `FakeUpstream` stand
in for what is behind it, `Recorder` and `Faulty` for other plugins. `check_plugin` checks a plugin
against every law of the contract, and `check_dialect` a dialect.
"""

from .checking import check_dialect, check_plugin
from .client import Answer, GatewayClient, Pending, Settled
from .dialect import CHAT_ENDPOINT, CHAT_PATH, TESTING_CHAT, ChatDialect
from .faulty import FAULTS, Faulty
from .gateway import run_gateway
from .provider import FakeProvider, Gate, ProviderRequest, Reply
from .recorder import HookCall, Recorder
from .upstream import FakeUpstream, Received, UpstreamReply

__all__ = [
    "CHAT_ENDPOINT",
    "CHAT_PATH",
    "FAULTS",
    "TESTING_CHAT",
    "Answer",
    "ChatDialect",
    "FakeProvider",
    "FakeUpstream",
    "Faulty",
    "Gate",
    "GatewayClient",
    "HookCall",
    "Pending",
    "ProviderRequest",
    "Received",
    "Recorder",
    "Reply",
    "Settled",
    "UpstreamReply",
    "check_dialect",
    "check_plugin",
    "run_gateway",
]
