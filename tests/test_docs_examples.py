"""The examples of the documentation do what their page says.

Of each page every block marked `bash`, `python` or `toml` is tried, in order, in a folder of its
own: a configuration is loaded, code is run against a gateway. A block whose first line is a comment
with a path is saved there, as the reader would. Blocks with any other mark are only shown.
"""

import asyncio
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from attrs import define
from builtin_plugins.redis_store.tests.redis_servers import free_port
from tests.pages import PAGES, ROOT, Block, blocks, name_of

from jackfield._gateway import Gateway
from jackfield._loader import installed
from jackfield.config import parse
from jackfield_example import Example
from jackfield_region_pinning import RegionPinning

BASH = shutil.which("bash") or "bash"
ADDRESS = "127.0.0.1:4747"
RUNNABLE = ("bash", "python", "toml")
SERVING = re.compile(r"serving on (\S+);")
# The laws are tried where each plugin is at home; other plugins of pytest only take time to load.
PYTEST_OPTIONS = (
    "-p no:cacheprovider -p pytest_asyncio.plugin -p jackfield.testing.pytest_plugin"
    " -k 'not test_laws'"
)
SECRET = "made-up-for-the-documentation"
WRITTEN_ALONG = {"word_filter": Example, "region_pin": RegionPinning}
OTHERS = ("contrib", "tests")
WITH_EXAMPLES = [
    page
    for page in PAGES
    if any(block.kind in RUNNABLE for block in blocks(page))
    and page.relative_to(ROOT).parts[0] not in OTHERS
]


@define(eq=False)
class Reader:
    """Somebody who follows a page to the letter, in a folder of their own."""

    folder: Path
    gateway: str
    module: ModuleType

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        if block.kind == "toml":
            Gateway(parse(block.text, directory=self.folder), installed(WRITTEN_ALONG))
        elif block.kind == "bash":
            self._run_commands(block.text)
        elif block.file is None:
            self._run_code(block)

    def _run_commands(self, text: str) -> None:
        address = self.gateway
        if "jackfield serve" in text:
            address = f"127.0.0.1:{free_port()}"
            text = text.replace("jackfield serve", f"jackfield serve --bind {address}")
        done = subprocess.run(
            [BASH, "-euo", "pipefail", "-c", text.replace(ADDRESS, address)],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for made in re.findall(r"jackfield new-plugin (\w+)", text):
            install_in_place(self.folder / made)

    def _run_code(self, block: Block) -> None:
        space = vars(self.module)
        code = "\n" * (block.line - 1) + block.text.replace(ADDRESS, self.gateway)
        exec(compile(code, self.module.__name__, "exec"), space)  # noqa: S102 - our own pages
        for name in [name for name in space if name.startswith("test_")]:
            test = space.pop(name)
            if inspect.iscoroutinefunction(test):
                asyncio.run(test())


def install_in_place(project: Path) -> None:
    """What `pip install -e` comes to, without a network: an entry point and a path."""
    manifest = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    site = project.parent / "site"
    info = site / f"{manifest['name'].replace('-', '_')}-{manifest['version']}.dist-info"
    info.mkdir(parents=True)
    head = f"Metadata-Version: 2.1\nName: {manifest['name']}\nVersion: {manifest['version']}\n"
    (info / "METADATA").write_text(head)
    points = manifest["entry-points"]["jackfield.plugins"].items()
    lines = "".join(f"{name} = {value}\n" for name, value in points)
    (info / "entry_points.txt").write_text(f"[jackfield.plugins]\n{lines}")
    (site.parent / "src").symlink_to(project / "src")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway without a configuration, in an environment without keys."""
    environment = {key: text for key, text in os.environ.items() if "_KEY" not in key}
    with subprocess.Popen(
        [sys.executable, "-m", "jackfield", "serve", "--bind", "127.0.0.1:0"],
        cwd=tmp_path_factory.mktemp("without_a_file"),
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            yield next(filter(None, map(SERVING.search, process.stderr)))[1]
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture
def sockets() -> Iterator[str]:
    """A folder for admin sockets, apart from those of other gateways on this machine.

    Its path is short: that of a socket has at most 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="jackfield-") as folder:
        yield folder


@pytest.fixture
def reader(
    tmp_path: Path, gateway: str, sockets: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Reader]:
    """A reader whose folder is on the path, as if its plugins had been installed."""
    site, source = str(tmp_path / "site"), str(tmp_path / "src")
    tools = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{source}")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", PYTEST_OPTIONS)
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    monkeypatch.setattr(sys, "path", [site, source, *sys.path])
    module = ModuleType("documented")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    yield Reader(tmp_path, gateway, module)
    for name in [name for name in sys.modules if name.split(".")[0] == "jackfield_word_filter"]:
        del sys.modules[name]


@pytest.mark.timeout(300)  # a page may have forty commands, each a process
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
def test_a_page_does_what_it_says(
    page: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "curl " in page.read_text() and shutil.which("curl") is None:
        pytest.skip("the page shows requests made with curl, which is not installed")
    for made in re.findall(r"jackfield new-plugin (\w+)", page.read_text()):
        if made in installed().names:
            pytest.skip(f"{made} is installed here by somebody who has followed the page")
    for variable in re.findall(r"\benv:([A-Z][A-Z_]*)", page.read_text()):
        monkeypatch.setenv(variable, SECRET)
    for block in blocks(page):
        if block.kind in RUNNABLE:
            try:
                reader.follow(block)
            except BaseException as error:
                error.add_note(f"in the block at {name_of(page)}:{block.line}")
                raise
