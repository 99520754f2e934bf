"""Models that the bodies of Google's other endpoints name."""

import json
from typing import Any

import pytest

from jackfield.errors import InvalidRequest
from jackfield_gemini.endpoints import RESOURCE


@pytest.mark.parametrize(
    ("tree", "model"),
    [
        ({"model": "models/gm/a"}, "gm/a"),
        ({"bidiGenerateContentSetup": {"model": "models/gm/a"}}, "gm/a"),
        ({"bidi_generate_content_setup": {"model": "gm/a"}, "uses": 1}, "gm/a"),
        ({"baseModel": "models/gm/a", "tuningTask": {}}, "gm/a"),
        ({"model": "gm/a", "base_model": "models/gm/a"}, "gm/a"),
        ({"model": "gm/a", "baseModel": "gm/b"}, None),
        ({"bidiGenerateContentSetup": [], "model": 5}, None),
    ],
)
def test_a_body_names_its_model_only_if_it_names_one(tree: Any, model: str | None) -> None:
    assert RESOURCE.peek(tree, {}).model == model


@pytest.mark.parametrize("key", ["inputConfig", "input_config"])
def test_a_batch_names_the_model_of_its_path_and_no_other(key: str) -> None:
    def batch(model: str) -> Any:
        inner = [{"request": {"contents": []}}, {"request": {"model": model}}, None]
        return {"batch": {key: {"requests": {"requests": inner}}}}

    path = {"model": "gm/a"}
    assert RESOURCE.peek(batch("models/a"), path).model == "gm/a"
    with pytest.raises(InvalidRequest, match=rf"batch\.{key}\.requests\.requests\[1\]"):
        RESOURCE.peek(batch("models/b"), path)
    body = json.dumps(batch("models/gm/a"), indent=1).encode()
    assert RESOURCE.with_model(body, "", "gm/a", "a") == body.replace(b"gm/a", b"a")
