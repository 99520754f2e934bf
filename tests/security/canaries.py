"""Forty secrets of distinct shapes, and the search for any trace of one of them."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

TRACE = 8


def made(name: str, length: int, alphabet: str) -> str:
    """A secret that is the same in every run, and like nothing else."""
    digest = hashlib.shake_256(name.encode()).digest(length)
    return "".join(alphabet[byte % len(alphabet)] for byte in digest)


HEX = "0123456789abcdef"
WORD = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
SAFE = WORD + "-_"
FULL = WORD + "+/"
ODD = WORD + "%&;~!$'()*,.:@"

PROVIDER_KEYS = {
    "openai": "sk-" + made("openai", 48, WORD),
    "project": "sk-proj-" + made("project", 60, SAFE),
    "anthropic": "sk-ant-api03-" + made("anthropic", 90, SAFE),
    "google": "AIza" + made("google", 35, SAFE),
    "azure": made("azure", 32, HEX),
    "bedrock": made("bedrock", 40, FULL),
    "prefixed": "gsk_" + made("groq", 52, WORD),
    "uuid": "-".join(made(f"uuid{n}", n, HEX) for n in (8, 4, 4, 4, 12)),
    "jwt": ".".join("eyJ" + made(f"jwt{n}", 30, SAFE) for n in range(3)),
    "base64": made("base64", 42, FULL) + "==",
    "odd": made("odd", 30, ODD),
    "escaped": made("escaped", 12, WORD) + '"\\' + made("escaped2", 12, WORD),
    "short": made("short", 10, WORD),
    "long": made("long", 200, WORD),
}
HEADER_SECRETS = {
    "X-Api-Key": made("header", 24, WORD),
    "X-Gateway-Token": made("token", 36, HEX),
}
CLIENT_SECRETS = {
    "Authorization": "Bearer jf_" + made("virtual", 43, SAFE),
    "X-Api-Key": made("x-api-key", 40, WORD),
    "Cookie": "session=" + made("cookie", 32, HEX),
    "Api-Key": made("api-key", 32, HEX),
    "X-Goog-Api-Key": "AIza" + made("goog", 35, SAFE),
    "Proxy-Authorization": "Basic " + made("basic", 28, FULL),
}
PROMPT_SECRETS = {
    "mail": made("mail", 12, HEX) + "@" + made("domain", 9, WORD) + ".example",
    "phone": "+49 " + made("phone", 12, "0123456789"),
    "card": made("card", 16, "0123456789"),
    "iban": "DE" + made("iban", 20, "0123456789"),
    "password": made("password", 14, ODD),
    "name": "Zwölfboxkämpfer " + made("name", 10, WORD),
    "address": made("address", 10, WORD) + " Strasse 7",
    "health": "diagnosed with " + made("health", 12, WORD),
}
ENVIRONMENT = {
    "REDIS_URL": "redis://:" + made("redis", 20, WORD) + "@10.0.0.5:6379/0",
    "DATABASE_URL": "postgres://u:" + made("postgres", 20, WORD) + "@db.internal/x",
    "VAULT_TOKEN": "hvs." + made("vault", 60, SAFE),
    "AWS_SECRET_ACCESS_KEY": made("aws", 40, FULL),
    "AWS_SESSION_TOKEN": made("session", 80, FULL),
    "GITHUB_TOKEN": "ghp_" + made("github", 36, WORD),
    "HF_TOKEN": "hf_" + made("hf", 34, WORD),
    "PEPPER": made("pepper", 64, HEX),
    "SENTRY_DSN": "https://" + made("sentry", 32, HEX) + "@sentry.internal/4",
    "SLACK_WEBHOOK": "https://hooks.internal/services/" + made("slack", 24, WORD),
}
GROUPS = (PROVIDER_KEYS, HEADER_SECRETS, CLIENT_SECRETS, PROMPT_SECRETS, ENVIRONMENT)
SECRETS = [secret for group in GROUPS for secret in group.values()]

# What a secret has in common with the innocent is no trace of it.
_INNOCENT = "Bearer jf_ Basic session= sk-ant-api03- sk-proj- diagnosed with Strasse 7 .example"
_INNOCENT += " https://hooks.internal/services/ @sentry.internal/4 @10.0.0.5:6379/0 @db.internal/x"
_INNOCENT += " redis://: postgres://u: Zwölfboxkämpfer"


def forms(secret: str) -> Iterator[bytes]:
    """The secret as it is, and as it may be written."""
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield raw.hex().encode()
    yield b64encode(raw).rstrip(b"=")
    yield b64encode(b"\0" + raw)[2:].rstrip(b"=")
    yield b64encode(b"\0\0" + raw)[3:].rstrip(b"=")


def pieces(data: bytes) -> Iterable[bytes]:
    """What may be a trace, whatever the case of its letters."""
    data = data.lower()
    return (data[at : at + TRACE] for at in range(len(data) - TRACE + 1))


TRACES = {piece for secret in SECRETS for form in forms(secret) for piece in pieces(form)} - {
    piece for form in forms(_INNOCENT) for piece in pieces(form)
}


def found_in(data: bytes) -> list[bytes]:
    """The traces of secrets in some bytes."""
    return [piece for piece in pieces(data) if piece in TRACES]
