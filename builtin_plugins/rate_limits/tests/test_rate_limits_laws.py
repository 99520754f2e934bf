"""The laws of plugins, for rate limits."""

from jackfield.testing import check_plugin

test_laws = check_plugin("rate_limits", config={"limits": {"all": {"requests": 1_000_000}}})
