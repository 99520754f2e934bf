"""The keys that other gateways and servers have, and how the same is written here."""

from collections.abc import Container
from typing import Final

_SYNONYMS: Final = {
    'bind = "127.0.0.1:4747"': "addr address host hostname ip listen listen_address port",
    'tls = { cert = "FILE", key = "FILE" }': "cert certificate key ssl ssl_certificate",
    "workers = 4": "num_workers processes threads worker_processes",
    "max_body = 10_485_760": "body_limit client_max_body_size max_request_body_size_mb",
    'log_level = "debug"': "debug level loglevel set_verbose verbose",
    'keys = ["env:NAME"]': "api_key apikey key secret token value",
    'base_url = "https://HOST/v1"': "api_base base endpoint host proxy_pass url",
    "timeouts = { first_byte = 60, total = 60 }": (
        "proxy_read_timeout request_timeout stream_timeout timeout"
    ),
    "retries = 2": "max_retries num_retries retry",
    'use = "openai"': "custom_llm_provider kind provider type",
    'targets = ["PROVIDER/MODEL"]': "deployments litellm_params model upstreams",
    "models": "model_list router_settings routes",
    "plugins": "callbacks guardrails middleware",
    "providers": "backends upstreams",
    "server": "general_settings http litellm_settings",
}


def synonym(key: str, allowed: Container[str]) -> str:
    """What to write in place of another gateway's `key`; empty if `allowed` has no such key."""
    spellings = (spelling for spelling, keys in _SYNONYMS.items() if key in keys.split())
    return next((spelling for spelling in spellings if spelling.partition(" ")[0] in allowed), "")
