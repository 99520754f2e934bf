"""The document of a start without a file: a provider for each key in the environment."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from jackfield._config.document import Document, parse
from jackfield._config.toml_text import toml_key


@frozen
class WellKnownKey:
    """The environment variable in which a provider's own documentation puts its key.

    `use` is the plugin of the provider.
    """

    variable: str
    use: str

    def is_in(self, environ: Mapping[str, str]) -> bool:
        """Whether there is such a key."""
        return bool(environ.get(self.variable, "").strip())


def zero_configuration(
    keys: Mapping[str, WellKnownKey], environ: Mapping[str, str], front_doors: Iterable[str] = ()
) -> Document:
    """Make the document for a start without a file: a provider for each key that is there.

    `keys` has what is well known by the names of the providers' tables; the `front_doors` are open
    to clients whichever providers there are.
    """
    doors = ", ".join(f'"{name}"' for name in front_doors)
    lines = ["[server]", f"front_doors = [{doors}]"] if doors else []
    lines.append("[providers.demo]")
    for provider, key in keys.items():
        if key.is_in(environ):
            lines += [f"[providers.{toml_key(provider)}]", f'keys = ["env:{key.variable}"]']
            lines += [f'use = "{key.use}"'] if key.use != provider else []
    return parse("\n".join(lines), "the default configuration")
