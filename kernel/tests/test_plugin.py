"""The contract of a plugin, where Python itself can keep an author to it."""

from typing import Any

import pytest

from jackfield import hookimpl


@pytest.mark.parametrize("option", ["tryfirst", "trylast", "wrapper", "specname"])
def test_the_options_that_pluggy_has_for_hooks_are_refused_and_not_ignored(option: str) -> None:
    options: Any = {option: True}
    with pytest.raises(TypeError, match=option):
        hookimpl(**options)
