"""The provider keeps the laws of the contract, in front of a real server."""

import json
from pathlib import Path

import pytest

from jackfield.testing import check_plugin

test_laws = check_plugin("vertex", config={"project": "p", "location": "global"})


@pytest.fixture(autouse=True)
def someone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Default credentials, which no law asks for a token."""
    user = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}
    path = tmp_path / "user.json"
    path.write_text(json.dumps({"type": "authorized_user", **user}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
