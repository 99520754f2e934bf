"""The pepper: where it comes from, and what happens where there are two."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import ConfigError
from jackfield.secrets import Secret
from jackfield_virtual_keys.pepper import Pepper, checked

GOOD = "0123456789abcdef0123456789abcdef"


def test_a_digest_needs_the_pepper() -> None:
    one, other = Pepper(b"a" * 32), Pepper(b"b" * 32)
    assert one.digest("secret") == Pepper(b"a" * 32).digest("secret") != other.digest("secret")
    assert one.fingerprint != other.fingerprint
    assert "aaaa" not in repr(one)


@pytest.mark.parametrize("value", ["short", "x" * 40, "12" * 20, "sk-1234"])
def test_a_pepper_that_can_be_guessed_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"plugins\.virtual_keys\.pepper: a pepper has at least"):
        checked(Secret(value), "plugins.virtual_keys.pepper")


async def test_a_machine_makes_its_own_pepper_once(office_with: Any, tmp_path: Path) -> None:
    async with office_with() as office:
        await office.create("organizations", name="acme", permissions=["*"])
        key = await office.key()
    file = tmp_path / "jackfield-state" / "pepper"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_text().strip()) == 64
    async with office_with() as office:
        assert (await office.ask(key)).status == 200
    assert [path.name for path in file.parent.glob("pepper*")] == ["pepper"]


async def test_many_that_start_at_once_have_one_pepper(office_with: Any) -> None:
    async def key_from_one() -> bytes:
        async with office_with() as office:
            return bytes(office.client.plugins["virtual_keys"]._keyring._keys.pepper.fingerprint)

    assert len(set(await asyncio.gather(*(key_from_one() for _ in range(8))))) == 1


async def test_a_pepper_from_the_environment_is_used(
    office_with: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JACKFIELD_PEPPER", GOOD)
    async with office_with('pepper = "env:JACKFIELD_PEPPER"'):
        assert not (tmp_path / "jackfield-state" / "pepper").exists()


@pytest.mark.parametrize("value", [None, "", " ", "changeme", "short"])
async def test_a_pepper_that_is_missing_or_bad_refuses_to_start(
    office_with: Any, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("JACKFIELD_PEPPER", raising=False)
    else:
        monkeypatch.setenv("JACKFIELD_PEPPER", value)
    with pytest.raises(ConfigError, match="pepper"):
        async with office_with('pepper = "env:JACKFIELD_PEPPER"'):
            pass


async def test_a_pepper_that_others_can_read_refuses_to_start(
    office_with: Any, tmp_path: Path
) -> None:
    async with office_with():
        pass
    (tmp_path / "jackfield-state" / "pepper").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        async with office_with():
            pass


async def test_another_pepper_at_the_same_store_is_found_out_at_the_start(
    office_with: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACKFIELD_PEPPER", GOOD)
    async with office_with():
        pass
    with pytest.raises(ConfigError, match="made with another pepper"):
        async with office_with('pepper = "env:JACKFIELD_PEPPER"'):
            pass


async def test_a_secret_cannot_stand_in_the_file(office_with: Any) -> None:
    with pytest.raises(ConfigError, match="must not be in the file") as refused:
        async with office_with(f'pepper = "{GOOD}"'):
            pass
    assert GOOD not in str(refused.value)
