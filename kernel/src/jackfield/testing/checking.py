"""The conformance kit as tests in an author's own suite: `check_plugin` and `check_dialect`."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from jackfield._loader import installed
from jackfield.dialects import Dialect
from jackfield.plugin import Plugin

from .dialect_law import DialectLaw, Samples
from .dialect_laws import LAWS as DIALECT_LAWS
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
    context manager that gives more of its table, or the text of more tables. `skip` names laws that
    do not fit, each with the reason.
    """
    import pytest  # noqa: PLC0415 - the rest of the kit works without it

    subject = subject_of(plugin, config, headers=headers, texts=texts, toml=toml, beside=beside)
    reasons = dict(skip or {})
    laws = [law for law in laws_for(subject) if law.id not in reasons]
    _all_known(reasons, {law.id for law in LAWS})

    @pytest.mark.parametrize("law", laws, ids=[law.id for law in laws])
    def test_laws(law: Law) -> None:
        __tracebackhide__ = True
        law.hold(subject)

    return test_laws


def check_dialect(
    dialect: Dialect,
    *,
    requests: Sequence[Any],
    answers: Sequence[Any] = (),
    streams: Sequence[bytes] = (),
    params: Mapping[str, str] | None = None,
    skip: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """A test that checks a dialect against every law with samples, each with its own id.

        test_laws = check_dialect(CHAT, requests=[…], answers=[…], streams=[b"data: …"])

    The samples are real traffic, complete as the vendor sends it: the JSON of `requests`, of the
    `answers` to the first of them, and `streams` byte for byte. `params` are the parts of the path.
    Every sample is read as it is, and corrupted in a thousand ways. `skip` names laws that do not
    apply, each with the reason.
    """
    import pytest  # noqa: PLC0415 - the rest of the kit works without it

    samples = Samples(dialect, requests, answers, streams, params or {})
    reasons = dict(skip or {})
    _all_known(reasons, {law.id for law in DIALECT_LAWS})
    laws = [law for law in DIALECT_LAWS if law.binds(samples) and law.id not in reasons]

    @pytest.mark.parametrize("law", laws, ids=[law.id for law in laws])
    def test_laws(law: DialectLaw) -> None:
        __tracebackhide__ = True
        law.hold(samples)

    return test_laws


def _all_known(ids: Iterable[str], known: Collection[str]) -> None:
    if unknown := set(ids) - set(known):
        raise ValueError(f"there is no law {', '.join(sorted(unknown))}")


def subject_of(
    plugin: str | type[Plugin], config: Mapping[str, Any] | None = None, **more: Any
) -> Subject:
    """The plugin under test, by the name of its entry point or as a class."""
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
    """The laws that apply to a plugin."""
    return [law for law in LAWS if law.binds(subject)]
