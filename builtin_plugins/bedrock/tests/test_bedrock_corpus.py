"""Converse, and bodies of InvokeModel, against every recorded exchange of Bedrock."""

import json

from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield.testing.recorded import check_recorded
from jackfield_bedrock.endpoints import CONVERSE, COUNT_TOKENS, INVOKE

pytestmark = needs_corpus
COUNTS = recordings("bedrock", "count_tokens")
OF_A_BODY = "bedrock-count-tokens-0be3ff5b33"

test_recorded_conversations = check_recorded(CONVERSE, recordings("bedrock_converse"))
test_recorded_bodies = check_recorded(
    INVOKE,
    recordings("bedrock_invoke"),
    skip={
        "streams-finish": "an event of Anthropic's is looked for outside of its envelope",
        "streams-come-back-bedrock-invoke-model-stream-67707d3c45": "a guardrail gives no reason",
    },
)
test_recorded_counts = check_recorded(
    COUNT_TOKENS,
    COUNTS,
    skip={f"requests-come-back-{OF_A_BODY}": "the body of a model is sent as a conversation"},
)


def test_a_body_whose_tokens_are_counted_is_sent_as_a_conversation() -> None:
    for one in COUNTS:
        if one.id == OF_A_BODY:
            request = COUNT_TOKENS.parse_request(one.request, one.params)
            converse = json.loads(COUNT_TOKENS.render_request(request).body)["input"]["converse"]
            assert converse["messages"] == [{"role": "user", "content": [{"text": "hello"}]}]
