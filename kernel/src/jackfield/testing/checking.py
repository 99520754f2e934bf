"""`check_plugin`: the conformance kit as a test of a plugin's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jackfield._loader import installed
from jackfield.plugin import Plugin

from .law import TEXTS, Beside, Law, Subject
from .laws import LAWS


def check_plugin(  # noqa: PLR0913 - what a plugin may need, each by its name
    plugin: str | type[Plugin],
    *,
    config: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    texts: Sequence[str] = TEXTS,
    toml: str = "",
    beside: Beside | None = None,
    skip: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """A test that holds a plugin to every law that binds it, each under an id of its own.

        test_laws = check_plugin("region_pinning", config={"regions": {"acme": "eu"}})

    `plugin` is the name of its entry point, or its class. `config` is its table; an environment
    variable that it names and nobody has set gets a made-up value. The kit's requests carry
    `headers` and say `texts`: give such as the plugin lets pass and has to work on. `toml` has the
    tables of what the plugin needs beside it, and `beside` runs what it calls out to: an async
    context manager that gives more of its table. `skip` names laws that do not fit, each with the
    reason.
    """
    import pytest  # noqa: PLC0415 - the rest of the kit works without it

    subject = subject_of(plugin, config, headers=headers, texts=texts, toml=toml, beside=beside)
    reasons = dict(skip or {})
    laws = [law for law in laws_for(subject) if law.id not in reasons]
    if unknown := reasons.keys() - {law.id for law in LAWS}:
        raise ValueError(f"there is no law {', '.join(sorted(unknown))}")

    @pytest.mark.parametrize("law", laws, ids=[law.id for law in laws])
    def test_laws(law: Law) -> None:
        __tracebackhide__ = True
        law.hold(subject)

    return test_laws


def subject_of(
    plugin: str | type[Plugin], config: Mapping[str, Any] | None = None, **more: Any
) -> Subject:
    """The plugin under test, found by the name of its entry point or given as a class."""
    if isinstance(plugin, str):
        found = installed()
        if plugin not in found.names:
            known = ", ".join(found.names) or "none"
            raise LookupError(f"no plugin {plugin!r} is installed; installed are: {known}")
        name, kind = plugin, found.load(plugin)
    else:
        name, kind = plugin.__name__.lower(), plugin
    return Subject(name, kind, dict(config or {}), **{**more, "headers": more.get("headers") or {}})


def laws_for(subject: Subject) -> Iterable[Law]:
    """The laws that bind a plugin."""
    return [law for law in LAWS if law.binds(subject)]
