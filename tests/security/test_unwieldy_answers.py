"""An answer with so many values that reading it would stop the event loop is not read."""

import json

import pytest
from tests.security.conftest import COMPLETION

from jackfield.strict_json import MAX_VALUES
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply


@pytest.mark.parametrize("value", ["[]", "{}"])
async def test_an_answer_of_countless_values_is_an_error_where_it_would_be_read(
    client: GatewayClient, upstream: FakeUpstream, value: str
) -> None:
    whole = json.loads(COMPLETION) | {"more": [json.loads(value)] * (MAX_VALUES + 1)}
    upstream.always(UpstreamReply(200, (json.dumps(whole).encode(),), framing="length"))
    answer = await client.post("/v1/responses", json={"model": "openai/m", "input": "Hello"})
    assert answer.status == 502
    assert "too many values" in (await answer.json())["error"]["message"]
