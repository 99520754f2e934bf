"""What `serve` displays when it starts."""

from collections.abc import Iterable
from importlib.metadata import version

from jackfield._gateway import Gateway
from jackfield.address import Address

from .config_option import config_name
from .terminal import Line, Part, Terminal, faint, name

_CHAT = "/v1/chat/completions"
_UNSPECIFIED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


def show_banner(terminal: Terminal, gateway: Gateway, addresses: list[str]) -> None:
    """Display the addresses that are served, what is configured, and a request to try."""
    tls = gateway.settings.server.tls is not None
    listeners = [Address.from_text(address) for address in addresses]
    urls = [str(one) if one.path else _url(one, tls=tls) for one in listeners]
    rows: list[tuple[str, Line]] = [
        ("address", _joined(urls, ", ")),
        ("providers", _joined(gateway.providers, ", ") or "none"),
    ]
    if aliases := list(gateway.settings.models):
        rows.append(("models", _joined(aliases, ", ")))
    if plugins := [plugin.name for plugin in gateway.chain.plugins]:
        rows.append(("plugins", _joined(plugins, " → ")))
    for degraded, problem in gateway.loaded.degraded.items():
        rows.append(("left out", f"{degraded} {problem}"))
    rows.append(("config", config_name(gateway.document.name)))
    terminal.line()
    terminal.panel(f"Jackfield {version('jackfield-kernel')}", rows)
    model = example_model(gateway)
    if model and any(endpoint.path == _CHAT for endpoint in gateway.table):
        _try(terminal, listeners[0], model, tls=tls, needs_key=_needs_key(gateway))
    terminal.line(faint("  Ctrl+C to stop."))
    terminal.line()
    terminal.stream.flush()


def example_model(gateway: Gateway) -> str:
    """A model to try: preferably one that works without a key."""
    if "demo" in gateway.providers:
        return "demo/chat"
    return next(iter(gateway.settings.models), "") or next(
        (f"{name}/MODEL" for name in gateway.providers), ""
    )


def _try(terminal: Terminal, address: Address, model: str, *, tls: bool, needs_key: bool) -> None:
    url = _url(address, tls=tls)
    socket = f"--unix-socket {address.path} " if address.path else ""
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hi"}}]}}'
    lines = [
        f"curl {socket}{url}{_CHAT}",
        "  -H 'content-type: application/json'",
        f"  -d '{body}'",
    ]
    if needs_key:
        lines.insert(2, "  -H 'authorization: Bearer KEY'")
    terminal.line("  Try it:")
    terminal.line()
    for line in lines[:-1]:
        terminal.line(f"  {line} \\")
    terminal.line(f"  {lines[-1]}")
    terminal.line()
    if not address.path:
        key = "KEY" if needs_key else "unused"
        terminal.line("  or with the SDK of OpenAI:")
        terminal.line()
        terminal.line(f'  OpenAI(base_url="{url}/v1", api_key="{key}")')
        terminal.line()


def _needs_key(gateway: Gateway) -> bool:
    return any(plugin.authenticates for plugin in gateway.chain.plugins)


def _url(address: Address, *, tls: bool) -> str:
    scheme = "https" if tls else "http"
    if address.path:
        return f"{scheme}://localhost"
    host = _UNSPECIFIED.get(address.host, address.host)
    return f"{scheme}://{Address(host, address.port)}"


def _joined(names: Iterable[str], separator: str) -> tuple[Part, ...]:
    parts: list[Part] = []
    for each in names:
        parts += [separator, name(each)] if parts else [name(each)]
    return tuple(parts)
