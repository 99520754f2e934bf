"""The text of a first configuration file."""

from collections.abc import Iterator, Mapping, Sequence

from jackfield._config.toml_text import toml_key, toml_text
from jackfield._config.wording import unknown
from jackfield._loader import Installed, all_front_doors, installed
from jackfield.config import Server, WellKnownKey, describe
from jackfield.errors import ConfigError
from jackfield.providers import Provider

_TEXT = """\
# Jackfield's configuration. `jackfield check` says what is wrong with it, and a gateway that runs
# reads it again when it is saved.

[server]
# Any address that other machines can reach needs a plugin that authenticates, and TLS.
bind = {bind}
# Each vendor's own API is offered to clients when a provider uses it, or when it stands here.
front_doors = {doors}

# Clients ask for a model of a provider as "provider/model". Keys are references, such as
# "env:VARIABLE" or "file:PATH"; no key stands in this file.
{providers}
# Names of your own for models, with others to turn to when one fails.
# [models.fast]
# targets = [{target}]

# Plugins, called in the order of their tables. `jackfield plugins` lists those that are installed.
# [plugins.NAME]
"""


def first_config(
    wanted: Sequence[str], keys: Mapping[str, WellKnownKey], environ: Mapping[str, str]
) -> str:
    """The TOML for the chosen providers, or for those that are ready to use.

    `keys` are the well-known keys by table name. Raises ConfigError.
    """
    found = installed()
    plugins = {name: name for name in found.names}
    plugins |= {name: key.use for name, key in keys.items() if key.use in plugins}
    names = list(dict.fromkeys(wanted or _ready(plugins, keys, environ)))
    _check(names, plugins, found)
    tables = ("\n".join(_table(name, plugins[name], found, keys)) + "\n" for name in names)
    return _TEXT.format(
        bind=toml_text(Server().bind),
        doors=toml_text(all_front_doors()),
        providers="\n".join(tables),
        target=toml_text(f"{names[0]}/MODEL"),
    )


def _ready(
    plugins: Mapping[str, str], keys: Mapping[str, WellKnownKey], environ: Mapping[str, str]
) -> list[str]:
    keyed = [name for name, key in keys.items() if key.is_in(environ)]
    return [name for name in (*keyed, "demo") if name in plugins]


def _check(names: Sequence[str], plugins: Mapping[str, str], found: Installed) -> None:
    problems = []
    for name in names:
        if name not in plugins:
            problems.append(f"--provider {name}: {unknown('plugin', name, plugins)}")
        elif not issubclass(found.load(plugins[name]), Provider):
            problems.append(f"--provider {name}: this plugin is no provider")
    if not names:
        problems.append("no provider is installed; pip install 'jackfield[all]' brings them all")
    if problems:
        raise ConfigError(problems)


def _table(
    name: str, plugin: str, found: Installed, keys: Mapping[str, WellKnownKey]
) -> Iterator[str]:
    yield f"[providers.{toml_key(name)}]"
    if plugin != name:
        yield f"use = {toml_text(plugin)}"
    if name in keys:
        yield f"keys = {toml_text([f'env:{keys[name].variable}'])}"
    for option in describe(found.load(plugin).Config):
        if option.required and option.path.isidentifier():
            yield f"# {option.path} =   # {option.doc}"
