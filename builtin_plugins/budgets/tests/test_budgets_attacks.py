"""What callers and providers may try, to spend more than there is or to break the books."""

from pathlib import Path
from typing import Any

import pytest
from builtin_plugins.budgets.tests.gateways import budget, chat, gateway, held, spent, uses
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield.http import HttpRequest
from jackfield.messages import Usage
from jackfield.testing.provider import Reply


@pytest.mark.parametrize("usage", [Usage(-(10**9), 5), Usage(5, 10**30)])
async def test_a_provider_cannot_grant_refunds_nor_break_the_books(
    tmp_path: Path, usage: Usage
) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        client.fake.always(Reply(("Hi",), usage=usage))
        assert (await chat(client, max_tokens=10)).status == 200
        assert 0 < await spent(client, "all") < 10**8
        assert await held(client, "all") == 0


@pytest.mark.parametrize("limit", [-(10**9), -1, 0])
async def test_a_limit_below_1_frees_nothing(tmp_path: Path, limit: int) -> None:
    async with gateway(tmp_path, budget("all", limit="0.01")) as client:
        uses(client, 1000, 500)
        assert (await chat(client, max_tokens=limit)).status == 429
        assert await held(client, "all") == 0
    async with gateway(tmp_path, budget("all", limit="9.00", max_tokens=50)) as client:
        answer = await chat(client, max_tokens=limit)
        assert answer.status == 400
        assert b"any number of output tokens; its budgets allow 50" in await answer.read()


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("unit", ["dollars", "tokens"])
@pytest.mark.parametrize("more", [{"max_tokens": 2**63 - 1}, {"max_tokens": 10**15, "n": 10**18}])
async def test_no_number_is_too_large_to_be_counted(
    tmp_path: Path, more: dict[str, Any], unit: str, hard: bool
) -> None:
    limit = "1.00" if unit == "dollars" else "1000"
    async with gateway(tmp_path, budget("all", limit=limit, unit=unit, hard=hard)) as client:
        uses(client, 10, 5)
        assert (await chat(client, **more)).status == (429 if hard else 200)
        assert await held(client, "all") == 0


async def test_an_answer_that_reports_a_usage_of_nothing_is_not_free(tmp_path: Path) -> None:
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        client.fake.always(Reply(("Hi",), usage=Usage()))
        assert (await chat(client, max_tokens=10)).status == 200
        assert await spent(client, "all") > 0


async def test_a_session_whose_cost_cannot_be_bounded_is_not_begun(tmp_path: Path) -> None:
    head = {"host": "127.0.0.1", "upgrade": "websocket", "connection": "upgrade"}
    socket: Any = object()  # no session begins, so that it is not used
    async with gateway(tmp_path, budget("all", limit="1.00")) as client:
        request = HttpRequest(
            "GET",
            "/v1/realtime",
            "model=openai/gpt-realtime",
            CIMultiDictProxy(CIMultiDict(head)),
            b"",
            websocket=socket,
        )
        answer = await client._handle(request)
    assert (answer.status, b"price_missing" in answer.body) == (400, True)
