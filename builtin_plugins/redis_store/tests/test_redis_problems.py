"""What errors of the server mean."""

import pytest
from redis.exceptions import ResponseError

from jackfield_redis_store.problems import problem_of, unwrapped

# What Redis 6.2.14 says, where later ones end a script with the error itself.
SCRIPT = "Error running script (call to f_9c7735): @user_script:102: @user_script: 102: "


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{SCRIPT}-READONLY You can't write against a read only replica. ", "is a replica,"),
        (f"{SCRIPT}-OOM command not allowed when used memory > 'maxmemory'. ", "is full:"),
        (
            f"{SCRIPT}The user executing the script can't run this",
            "answers with an error: The user",
        ),
        (f"{SCRIPT}-MISCONF Redis is configured to save", "answers with an error: Redis is con"),
        ("MISCONF Redis is configured to save", "answers with an error: MISCONF Redis is con"),
    ],
)
def test_an_error_within_a_script_is_reported_as_it_is_outside(text: str, reason: str) -> None:
    assert problem_of(unwrapped(ResponseError(text))).reason.startswith(reason)
