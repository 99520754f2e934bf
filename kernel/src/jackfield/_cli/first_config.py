"""The text of a first configuration."""

from collections.abc import Iterator, Mapping, Sequence

from jackfield._config.toml_text import toml_key, toml_text
from jackfield._config.wording import unknown
from jackfield._loader import Installed, installed
from jackfield.config import Server, describe
from jackfield.errors import ConfigError
from jackfield.providers import Provider

_TEXT = """\
# Jackfield's configuration. `jackfield check` says what is wrong with it, and a gateway that runs
# reads it again when it is saved.

[server]
# Any address that other machines can reach needs a plugin that authenticates, and TLS.
bind = {bind}

# Clients ask for a model of a provider as "provider/model". Keys are references, such as
# "env:VARIABLE" or "file:PATH"; no key stands in this file.
{providers}
# Names of your own for models, with others to turn to when one fails.
# [models.fast]
# targets = [{target}]

# Plugins, called in the order of their tables. `jackfield plugins` lists those that are installed.
# [plugins.NAME]
"""


def first_config(wanted: Sequence[str], keys: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """The TOML, with the providers that are wanted or else those that are ready for use.

    `keys` has the variable of each provider's well-known key. Raises ConfigError.
    """
    found = installed()
    names = list(dict.fromkeys(wanted or _ready(found, keys, environ)))
    _check(names, found)
    tables = ("\n".join(_table(name, found, keys)) + "\n" for name in names)
    return _TEXT.format(
        bind=toml_text(Server().bind),
        providers="\n".join(tables),
        target=toml_text(f"{names[0]}/MODEL"),
    )


def _ready(found: Installed, keys: Mapping[str, str], environ: Mapping[str, str]) -> list[str]:
    keyed = [name for name, variable in keys.items() if environ.get(variable, "").strip()]
    return [name for name in (*keyed, "demo") if name in found.names]


def _check(names: Sequence[str], found: Installed) -> None:
    problems = []
    for name in names:
        if name not in found.names:
            problems.append(f"--provider {name}: {unknown('plugin', name, found.names)}")
        elif not issubclass(found.load(name), Provider):
            problems.append(f"--provider {name}: this plugin is no provider")
    if not names:
        problems.append("no provider is installed; pip install 'jackfield[all]' brings them all")
    if problems:
        raise ConfigError(problems)


def _table(name: str, found: Installed, keys: Mapping[str, str]) -> Iterator[str]:
    yield f"[providers.{toml_key(name)}]"
    if name in keys:
        yield f"keys = {toml_text([f'env:{keys[name]}'])}"
    for option in describe(found.load(name).Config):
        if option.required and option.path.isidentifier():
            yield f"# {option.path} =   # {option.doc}"
