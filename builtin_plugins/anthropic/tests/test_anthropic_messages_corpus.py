"""Messages against every recorded exchange: nothing of it may be missing."""

from typing import Any

import msgspec
import pytest
from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield.testing.recorded import Recorded, check_recorded
from jackfield_anthropic.endpoints import BEDROCK, COUNT_TOKENS, MESSAGES, VERTEX
from jackfield_anthropic.messages_request import VERSIONS

pytestmark = needs_corpus
FOUND = recordings("anthropic_messages", "messages", "messages_stream")

test_recorded_messages = check_recorded(MESSAGES, FOUND)
test_recorded_counts = check_recorded(
    COUNT_TOKENS, recordings("anthropic_messages", "count_tokens")
)


@pytest.mark.parametrize("dialect", [VERTEX, BEDROCK], ids=lambda dialect: str(dialect.name))
@pytest.mark.parametrize("one", FOUND, ids=lambda one: str(one.id))
def test_a_recorded_request_is_one_of_the_clouds(one: Recorded, dialect: Any) -> None:
    rendered = dialect.render_request(MESSAGES.parse_request(one.request, {}))
    in_the_path = ("model", "stream") if dialect is BEDROCK else ("model",)
    expected = {key: value for key, value in one.request.items() if key not in in_the_path}
    version = {"anthropic_version": VERSIONS[dialect.cloud]}
    assert rendered.losses == ()
    assert msgspec.json.decode(rendered.body) == expected | version
