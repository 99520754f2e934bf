"""A hook whose response has a header that cannot be sent has failed, as its policy says."""

from typing import Any

import pytest

from jackfield import CallNext, Exchange, Outcome, Plugin, Response, Target, hookimpl
from jackfield.testing import run_gateway

NUMBER: Any = 3
WRONG = {"number": {"x-own": NUMBER}, "line break": {"x-own": "a secret\r\nx-other: 1"}}


class Wrong(Plugin):
    """Returns a response that cannot be sent, from the hook that its name tells."""

    mutates = frozenset({"response"})
    headers: Any = None

    def answer(self, hook: str) -> Response | None:
        return Response(200, b"{}", headers=self.headers) if self.name == hook else None

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        return self.answer("pre_request")

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return self.answer("call_provider") or await call_next(target)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        return self.answer("post_response")


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("hook", ["pre_request", "call_provider", "post_response"])
@pytest.mark.parametrize(("policy", "status"), [("refuse", 500), ("skip", 200)])
async def test_a_header_that_cannot_be_sent_is_the_failure_of_its_hook(
    kind: str, hook: str, policy: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = type("Wrong", (Wrong,), {"headers": WRONG[kind]})
    table = f'[plugins.{hook}]\nuse = "wrong"\non_error = "{policy}"\naccept_risk = true'
    async with run_gateway(table, {"wrong": wrong}) as client:
        answer = await client.chat()
        assert answer.status == status
        assert "x-own" not in answer.headers
    assert f"plugin {hook} failed in {hook}: the header 'x-own'" in caplog.text
    assert "a secret" not in caplog.text
