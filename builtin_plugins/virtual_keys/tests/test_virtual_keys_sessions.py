"""Keys of sessions, which may come in a header, in the name of a protocol, or in both."""

from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield.http import HttpRequest

OTHER = "jf-000000000000-0000000000000000000000000000000000000000000-000000"


@pytest.mark.parametrize(
    ("names", "headers", "status"),
    [
        (["{}"], {}, 404),
        (["{}", "{}"], {}, 404),
        (["{}"], {"authorization": "Bearer {}"}, 404),
        (["{}"], {"authorization": f"Bearer {OTHER}"}, 401),
        ([OTHER], {"authorization": "Bearer {}"}, 401),
        (["{}", OTHER], {}, 401),
        ([OTHER, "{}"], {}, 401),
        (["{}"], {"x-api-key": OTHER}, 401),
        ([OTHER], {"api-key": "{}"}, 401),
    ],
)
async def test_a_session_with_keys_that_differ_is_refused(
    office: Any, names: list[str], headers: dict[str, str], status: int
) -> None:
    key = await office.key()
    offered = [f"openai-insecure-api-key.{name.format(key)}" for name in names]
    head = CIMultiDict(host="127.0.0.1", upgrade="websocket")
    head["sec-websocket-protocol"] = ", ".join(["realtime", *offered])
    head.update({name: text.format(key) for name, text in headers.items()})
    socket: Any = object()  # no session begins, so that it is not used
    request = HttpRequest(
        "GET", "/v1/realtime", "model=x", CIMultiDictProxy(head), b"", websocket=socket
    )
    answer = await office.gateway.handle(request)
    assert answer.status == status, answer.body
    if status == 401:
        assert b"several different keys" in answer.body
