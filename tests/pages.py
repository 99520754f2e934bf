"""The pages of the documentation: their blocks, headings, links and tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(
    [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]
)

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ROW = re.compile(r"^\| `([^`|]+)`", re.MULTILINE)


@frozen
class Block:
    """A fenced block: what stands behind its fence, its text, and the line at which it begins."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The path that its first line names as a comment, if the page has the reader save it."""
        named = re.match(r"# ([\w/.-]+\.(?:py|toml))$", self.text.split("\n", 1)[0])
        return named[1] if named else None


def name_of(page: Path) -> str:
    """How a page is called in tests."""
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text()
    for match in _BLOCK.finditer(text):
        yield Block(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)


def anchors(page: Path) -> set[str]:
    """What may stand behind the `#` of a link to a page."""
    headings = _HEADING.findall(_BLOCK.sub("", page.read_text()))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def links(page: Path) -> list[str]:
    """The targets of a page's links, those to other sites left out."""
    found = _LINK.findall(_BLOCK.sub("", page.read_text()))
    return [target for target in found if "://" not in target]


def section(page: Path, heading: str) -> str:
    """What stands under a heading, to the next one of any level."""
    _, _, below = page.read_text().partition(f"\n{heading}\n")
    return re.split(r"^#+ ", below, maxsplit=1, flags=re.MULTILINE)[0]


def first_column(text: str) -> list[str]:
    """The names in the first column of a section's tables."""
    return _ROW.findall(text)
