"""What users of other gateways and servers write, and how the same is written here."""

from collections.abc import Container
from typing import Final

_HABITS: Final = {
    'bind = "127.0.0.1:4747"': "addr address host hostname ip listen listen_address port",
    'tls = { cert = "FILE", key = "FILE" }': "cert certificate key ssl ssl_certificate",
    "workers = 4": "num_workers processes threads worker_processes",
    "max_body = 10_485_760": "body_limit client_max_body_size max_request_body_size_mb",
    'log_level = "debug"': "debug level loglevel set_verbose verbose",
    'keys = ["env:NAME"]': "api_key apikey key secret token value",
    'base_url = "https://HOST/v1"': "api_base base endpoint host proxy_pass url",
    "timeouts = { total = 60.0 }": "proxy_read_timeout request_timeout stream_timeout timeout",
    "retries = 2": "max_retries num_retries retry",
    'use = "openai"': "custom_llm_provider kind provider type",
    'targets = ["PROVIDER/MODEL"]': "deployments litellm_params model upstreams",
    "models": "model_list router_settings routes",
    "plugins": "callbacks guardrails middleware",
    "providers": "backends upstreams",
    "server": "general_settings http litellm_settings",
}


def habit(word: str, allowed: Container[str]) -> str:
    """What to write for a key that is unknown here; empty if nothing in `allowed` is meant."""
    lines = (line for line, words in _HABITS.items() if word in words.split())
    return next((line for line in lines if line.partition(" ")[0] in allowed), "")
