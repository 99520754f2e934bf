"""The plugin in a gateway."""

from pathlib import Path

from jackfield.testing import check_plugin, run_gateway
from jackfield_sqlite_store import SqliteStorePlugin

test_laws = check_plugin("sqlite_store")


async def test_the_file_is_in_the_state_directory(tmp_path: Path) -> None:
    async with run_gateway("[plugins.sqlite_store]", directory=tmp_path) as client:
        plugin = client.plugins["sqlite_store"]
        assert isinstance(plugin, SqliteStorePlugin)
        assert (tmp_path / "jackfield-state" / "store.db").exists()
        assert await plugin.health() is None


async def test_the_file_is_where_the_configuration_says(tmp_path: Path) -> None:
    toml = '[plugins.sqlite_store]\npath = "kept/here.db"'
    async with run_gateway(toml, directory=tmp_path):
        assert (tmp_path / "kept" / "here.db").exists()
