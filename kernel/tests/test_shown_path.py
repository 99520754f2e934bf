"""What of an unknown path is shown, in the answer and in the log."""

import pytest

from jackfield.endpoints import shown_path
from jackfield.testing import run_gateway

KEY = "jf-0a1B2c3D4e5F-" + "s3cret" * 7


@pytest.mark.parametrize("path", [f"/v1/{KEY}/models", f"/{KEY}", f"/x;key={KEY}"])
async def test_a_key_in_a_path_is_shown_to_nobody(path: str) -> None:
    async with run_gateway() as client:
        answer = await client.get(path)
        shown = (await answer.read()).decode() + client.log()
    assert answer.status == 404
    assert "s3cret" not in shown


def test_a_usual_path_is_shown_as_it_is() -> None:
    path = "/v1/chat/completions-for-gpt-4o-mini-2024-07-18"
    assert shown_path(path) == path


def test_a_long_path_is_cut() -> None:
    assert shown_path("/a" * 500) == "/a" * 100 + "…"
