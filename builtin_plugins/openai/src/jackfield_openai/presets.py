"""Presets: known OpenAI-compatible APIs by name, from `presets.toml`."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

import cattrs
import msgspec
from attrs import Attribute, evolve, field, frozen

from jackfield.dialects import Loss, Rendered
from jackfield.secrets import SecretRef


@frozen
class Preset:
    """One API. If `base_url` depends on the account it is empty and `base_url_form` shows its form.

    `key` is the environment variable named in the API's documentation; empty if it needs no key.
    `dialects` and the keys of `paths` omit their `openai.`; without dialects it may speak all.
    `models` is the path of its list of models, empty if there is none. `limit` is the member that
    limits an answer, `developer` whether it knows that role, `joins` whether it accepts a message's
    texts only as one string, `input_type` whether embeddings have one, `renames` which members have
    another name, by dialect, and `unsupported` which members of a chat request it refuses. `strict`
    are the patterns of the models that can enforce a schema; the others refuse such a request.
    `responses` are those of the models for which requests are translated into Responses, because
    their chat has no tools, or does not exist.
    """

    base_url: str = ""
    base_url_form: str = ""
    key: str = ""
    dialects: tuple[str, ...] = ("chat",)
    paths: Mapping[str, str] = field(factory=dict)
    models: str = "/models"
    stream_end: Literal["marker", "framing"] = "marker"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    developer: bool = False
    joins: bool = False
    input_type: bool = False
    renames: Mapping[str, Mapping[str, str]] = field(factory=dict)
    unsupported: tuple[str, ...] = ()
    strict: tuple[str, ...] = ("*",)
    responses: tuple[str, ...] = ()

    @property
    def dialect_names(self) -> tuple[str, ...]:
        """The full names of the dialects, including the pass-through dialect of all such APIs."""
        return tuple(f"openai.{kind}" for kind in (*self.dialects, "resource") if self.dialects)

    @property
    def rewrites_native(self) -> bool:
        """Whether a client's own request may have to be rewritten."""
        return bool(self.renames) or self.limit == "max_tokens" or not self.developer

    @property
    def differs(self) -> bool:
        """Whether a translated request may have to be adapted."""
        return self.rewrites_native or bool(self.unsupported) or self.joins or self.input_type

    def fit(self, dialect: str, body: bytes, *, translated: bool) -> Rendered:
        """The body of a request as the API expects it.

        Members unknown to the API are removed if the gateway `translated` the request; if a client
        wrote it for this API they stay, so that the API can judge them.
        """
        kind = dialect.removeprefix("openai.")
        renames = self._renames(kind)
        refused = self.unsupported if translated and kind == "chat" else ()
        demotes = kind == "chat" and not self.developer
        joins = self.joins and translated and kind == "chat"
        # A name with escapes is still that name.
        needles = _needles((*renames, *refused, demotes and "developer", joins and "text"))
        if b"\\u" not in body and not any(map(body.__contains__, needles)):
            return Rendered(body)
        tree = msgspec.json.decode(body)
        renamed = [old for old, new in renames.items() if _takes_place(tree, old, new)]
        for old in renamed:
            tree[renames[old]] = tree.pop(old)
        removed = {key: tree.pop(key) for key in refused if key in tree}
        losses = [
            Loss(key, key, "dropped", breaks=_must_call(key, value))
            for key, value in removed.items()
            if value is not None
        ]
        demoted = demotes and _demote(tree.get("messages"))
        joined = joins and _join(tree["messages"])
        if not (renamed or removed or demoted or joined):
            return Rendered(body)
        return Rendered(msgspec.json.encode(tree), tuple(losses))

    def _renames(self, kind: str) -> Mapping[str, str]:
        renames = self.renames.get(kind, {})
        if kind == "chat" and self.limit == "max_tokens":
            return {"max_completion_tokens": "max_tokens", **renames}
        return renames


@lru_cache(maxsize=256)
def _needles(words: tuple[str | bool, ...]) -> tuple[bytes, ...]:
    return tuple(b'"%b"' % word.encode() for word in words if isinstance(word, str))


def _must_call(key: str, value: Any) -> bool:
    """Whether a member requires a call and allows no other answer."""
    return key == "tool_choice" and value not in ("auto", "none")


def _takes_place(tree: Mapping[str, Any], old: str, new: str) -> bool:
    """Whether a member replaces another one that is missing; null does not count."""
    return old in tree and tree.get(new) is None


def _demote(messages: Any) -> bool:
    """Turn developer messages into system messages; return whether there were any."""
    developers = [
        message
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and message.get("role") == "developer"
    ]
    for message in developers:
        message["role"] = "system"
    return bool(developers)


def _join(messages: list[dict[str, Any]]) -> bool:
    """Join the texts of text-only messages; return whether there were any."""
    joined = False
    for message in messages:
        content = message.get("content")
        if isinstance(content, list) and all(part.keys() == {"type", "text"} for part in content):
            message["content"] = "\n\n".join([part["text"] for part in content])
            joined = True
    return joined


ANY: Final = Preset(dialects=(), limit="max_completion_tokens", developer=True)
"""The preset of an unknown API."""


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by name."""
    text = files(__package__).joinpath("presets.toml").read_text()
    converter = cattrs.Converter(forbid_extra_keys=True)
    return {name: converter.structure(table, Preset) for name, table in tomllib.loads(text).items()}


def well_known_keys() -> Mapping[str, str]:
    """The key variables of presets for which a key alone is enough to offer models.

    GITHUB_TOKEN is often set for other reasons, and some APIs have no fixed URL.
    """
    keyed = {name: preset.key for name, preset in presets().items() if preset.base_url}
    return {"openai": "OPENAI_API_KEY"} | {
        name: key for name, key in keyed.items() if key and name != "github"
    }


def known_preset(instance: object, attribute: "Attribute[str]", name: str) -> None:
    """Raise ValueError if there is no preset of that name."""
    if name and name not in presets():
        close = get_close_matches(name, presets(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(presets())}"
        raise ValueError(f"unknown preset; {hint}")


def preset_of(config: Any, name: str) -> Preset:
    """The preset that a configuration names, or else the one with its table's name.

    A provider with neither is OpenAI if it has no URL, and any other API if it has one. An API that
    has only the name of a preset, and a URL of its own, is asked in chat.
    """
    preset = presets().get(config.preset or name)
    if preset is None:
        return ANY if config.base_url else presets()["openai"]
    return evolve(preset, responses=()) if config.base_url and not config.preset else preset


def preset_name(config: Any, name: str) -> str:
    """The name of the preset that a configuration names or implies."""
    named: str = config.preset or name
    return named if named in presets() else "openai"


def completed(config: Any, preset: Preset) -> Any:
    """The configuration completed from its preset. Raises ValueError if a URL is missing.

    The API's well-known key is only used for the API's own URL.
    """
    if not config.base_url and not preset.base_url:
        raise ValueError(f'set base_url, as in base_url = "{preset.base_url_form}"')
    added: dict[str, Any] = {}
    if not config.base_url:
        added["base_url"] = preset.base_url
        if preset.key and not config.keys:
            added["keys"] = (SecretRef("env", preset.key),)
    if config.stream_end == "marker":
        added["stream_end"] = preset.stream_end
    return evolve(config, **added)
