"""Writes every list of rooms anew: in requirements.txt and in the root pyproject.toml."""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "pyproject.toml"
MODULES = ROOT / "kernel/src/jackfield"


def names(folder: str) -> list[str]:
    return sorted(path.parent.name for path in ROOT.glob(f"{folder}/*/pyproject.toml"))


def with_list(text: str, after: str, key: str, values: Iterable[str]) -> str:
    """`text` with the list `key`, the first one below `after`, holding `values`."""
    found = re.compile(rf"^{key} = \[.*?\]$", re.M | re.S).search(text, text.index(after))
    if found is None:
        raise SystemExit(f"pyproject.toml has no list {key} below {after}")
    items = "".join(f'  "{value}",\n' for value in values)
    return f"{text[: found.start()]}{key} = [\n{items}]{text[found.end() :]}"


def with_table(text: str, header: str, lines: Iterable[str]) -> str:
    """`text` with the table `header` holding `lines`."""
    body = "".join(f"{line}\n" for line in lines)
    table = re.compile(rf"^\[{re.escape(header)}\]\n(?:.+\n)*", re.M)
    return table.sub(lambda _: f"[{header}]\n{body}", text, count=1)


def main() -> None:
    built_in, contrib = names("builtin_plugins"), names("contrib")
    rooms = [f"builtin_plugins/{name}" for name in built_in]
    rooms += [*(f"contrib/{name}" for name in contrib), "plugin_template"]
    packages = sorted(f"jackfield_{name}" for name in [*built_in, *contrib, "example"])
    extras = [name.replace("_", "-") for name in built_in]

    text = PROJECT.read_text()
    version = re.findall(r'^version = "(.*)"$', text, re.M)[0]
    pins = [f'{extra} = ["jackfield-{extra}=={version}"]' for extra in extras]
    pins.append(f'all = ["jackfield[{",".join(extras)}]"]')
    text = with_table(text, "project.optional-dependencies", pins)
    sources = sorted(f"jackfield-{name}" for name in [*extras, "kernel"])
    text = with_table(text, "tool.uv.sources", (f"{s} = {{ workspace = true }}" for s in sources))
    text = with_list(text, "[tool.mypy]", "mypy_path", (f"{r}/src" for r in ["kernel", *rooms]))
    text = with_list(text, "[tool.importlinter]", "root_packages", ["jackfield", *packages])
    text = with_list(text, 'id = "kernel-knows-no-plugin"', "forbidden_modules", packages)
    text = with_list(text, 'id = "plugins-are-strangers"', "modules", packages)
    private = sorted({f"jackfield.{path.stem}" for path in MODULES.glob("_[a-z]*")})
    text = with_list(text, 'id = "kernel-keeps-its-private-modules"', "protected_modules", private)
    PROJECT.write_text(text)

    head = (ROOT / "requirements.txt").read_text().splitlines()[0]
    installed = [head, "-e .[all]", "-e ./kernel[cli]", *(f"-e ./{room}" for room in rooms)]
    (ROOT / "requirements.txt").write_text("\n".join(installed) + "\n")


if __name__ == "__main__":
    main()
