"""Mistral's dialects against every recorded exchange with Mistral."""

from typing import Any

from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield.testing.recorded import check_recorded, without_nulls
from jackfield_mistral.endpoints import CHAT, EMBEDDINGS

pytestmark = needs_corpus


def plain(value: Any) -> Any:
    """The JSON without empty members, and without the type and index that calls may leave out.

    Of contents that are empty the form does not matter.
    """
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    members = {key: plain(one) for key, one in value.items() if key != "index" and one != []}
    if "function" in members:
        members["type"] = "function"
    return {key: one for key, one in members.items() if one is not None and one != ""}


test_recorded_chats = check_recorded(
    CHAT, recordings("openai_chat", provider="mistral"), plain_request=plain, plain_answer=plain
)
test_recorded_embeddings = check_recorded(
    EMBEDDINGS, recordings("openai_embeddings", provider="mistral"), plain_answer=without_nulls
)
