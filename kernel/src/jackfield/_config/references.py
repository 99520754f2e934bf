"""Checks what names refer to: plugins or, in `[models]`, providers and other aliases."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jackfield._config.document import Document, Problems
from jackfield._config.places import KeyPath
from jackfield._config.toml_text import toml_string
from jackfield._config.wording import did_you_mean, listed, unknown

_LONGEST = 12  # how many names of a cycle are shown


def report_unknown_plugin(
    document: Document, path: KeyPath, name: str, installed: Iterable[str]
) -> None:
    """Report that no plugin `name` is installed, as the value at `path` requires."""
    table = document.get(path)
    use = table.get("use") if isinstance(table, dict) else None
    problem = unknown("plugin", name, installed)
    if path[0] == "providers" and use is None and not problem.endswith("?"):
        problem += '; name the one that speaks its API, as in use = "openai"'
    elif not problem.endswith("?"):
        problem += "; install the package that has it into this environment"
    if isinstance(use, str):
        document.problems.add((*path, "use"), problem)
    elif use is None:
        document.problems.add(path, problem, on_key=isinstance(table, dict))


def check_references(
    models: Mapping[str, Any], providers: Collection[str], problems: Problems
) -> None:
    """Report each name that refers to nothing, and each cycle of aliases where it closes.

    `models` are the raw tables: a problem with one name must not hide the next.
    """
    for alias, model in models.items():
        if not alias.isprintable():
            problems.add(("models", alias), "the name of an alias is printable", on_key=True)
        for path, name in _names(model):
            if name not in models and (message := _dangling(name, models, providers)):
                problems.add(("models", alias, *path), message)
    for path, cycle in _cycles(models):
        shown = cycle if len(cycle) <= _LONGEST else [*cycle[: _LONGEST - 1], "...", cycle[-1]]
        message = f"the alias leads back to itself: {' -> '.join(shown)}"
        problems.add(("models", *path), message)


def _names(model: Any) -> Iterator[tuple[KeyPath, str]]:
    """The targets and fallbacks of a table of `[models]`, each with its path within the table."""
    for key in ("targets", "fallbacks"):
        entries = model.get(key) if isinstance(model, dict) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, str):
                yield (key, index), entry
            elif isinstance(entry, dict) and isinstance(entry.get("model"), str):
                yield (key, index, "model"), entry["model"]


def _dangling(name: str, aliases: Collection[str], providers: Collection[str]) -> str:
    provider, slash, model = name.partition("/")
    if not slash:
        hint = did_you_mean(name, aliases) or '; expected "provider/model" or another alias'
        return f"{toml_string(name)} is not an alias{hint}"
    if provider not in providers:
        configured = listed(providers) or "none"
        hint = did_you_mean(provider, providers) or f"; configured: {configured}"
        return f"no provider {toml_string(provider)}{hint}"
    return "" if model else f"no model after {toml_string(name)}"


def _cycles(models: Mapping[str, Any]) -> Iterator[tuple[KeyPath, list[str]]]:
    """Follow the aliases depth first; iteratively, as a chain may be longer than Python's stack."""
    done: set[str] = set()
    for start in models:
        trail = {} if start in done else {start: _names(models[start])}
        while trail:
            alias = next(reversed(trail))
            for path, name in trail[alias]:
                if name in trail:
                    aliases = list(trail)
                    yield (alias, *path), [*aliases[aliases.index(name) :], name]
                elif name in models and name not in done:
                    trail[name] = _names(models[name])
                    break
            else:
                done.add(alias)
                del trail[alias]
