"""The document for a start without a file: a provider for each key in the environment."""

from collections.abc import Iterable, Mapping

from attrs import frozen

from jackfield._config.document import Document, parse
from jackfield._config.toml_text import toml_key


@frozen
class WellKnownKey:
    """The environment variable in which a provider's documentation tells users to put the key.

    `use` is the provider's plugin.
    """

    variable: str
    use: str

    def is_in(self, environ: Mapping[str, str]) -> bool:
        """Whether the variable is set."""
        return bool(environ.get(self.variable, "").strip())


def zero_configuration(
    keys: Mapping[str, WellKnownKey],
    environ: Mapping[str, str],
    front_doors: Iterable[str] = (),
    *,
    demo: bool = True,
) -> Document:
    """The document for a start without a file: a provider for each key that is set.

    `keys` has the well-known keys by the names of the providers' tables. The endpoints of
    `front_doors` are offered whichever providers there are. `demo` is whether that is installed.
    """
    doors = ", ".join(f'"{name}"' for name in front_doors)
    lines = ["[server]", f"front_doors = [{doors}]"] if doors else []
    lines += ["[providers.demo]"] if demo else []
    for provider, key in keys.items():
        if key.is_in(environ):
            lines += [f"[providers.{toml_key(provider)}]", f'keys = ["env:{key.variable}"]']
            lines += [f'use = "{key.use}"'] if key.use != provider else []
    return parse("\n".join(lines), "the default configuration")
