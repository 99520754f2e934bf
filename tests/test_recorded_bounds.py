"""Upper bounds of recorded requests, against what the providers then counted."""

from typing import Final

import msgspec
import pytest
from tests.corpus import Exchange as Recorded
from tests.corpus import needs_corpus
from tests.test_recorded_usage import AT, COUNTED, DIALECTS, read

from jackfield.dialects import installed
from jackfield.endpoints import Endpoint
from jackfield.errors import InvalidRequest
from jackfield.exchange import Exchange, Request
from jackfield.plan import Target
from jackfield.prices import PriceBook

pytestmark = needs_corpus

BOOK: Final = PriceBook()
REQUESTS: Final = [one for one in COUNTED if one.request_tree and one.model]


def opened(recorded: Recorded) -> Exchange:
    dialect = installed(DIALECTS[recorded.dialect])
    body = msgspec.json.encode(recorded.request_tree)
    params = {"model": recorded.model or ""}
    try:
        peek = dialect.peek(recorded.request_tree, params)
    except InvalidRequest:
        pytest.skip("the request is not one that is answered here")
    endpoint = Endpoint("POST", "/x", dialect, dialect.operation, "inference")
    request = Request("POST", "/x", "", {}, body, params, "")
    return Exchange("r", endpoint, dialect, request, peek.model, peek.stream, peek.max_tokens)


@pytest.mark.parametrize("recorded", REQUESTS, ids=lambda recorded: recorded.id)
def test_no_request_used_more_than_its_bound(recorded: Recorded) -> None:
    exchange, usage = opened(recorded), read(recorded)
    assert usage is not None
    target = Target(recorded.provider, recorded.model or "")
    bound = BOOK.bound(exchange, target, at=AT)
    assert bound.input_tokens >= usage.input_tokens
    assert bound.output_tokens >= usage.output_tokens
    if bound.nano is not None:
        assert bound.nano >= BOOK.cost(target, usage, at=AT).nano
