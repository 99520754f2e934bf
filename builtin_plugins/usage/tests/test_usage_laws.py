"""The laws of plugins, for usage."""

from jackfield.testing import check_plugin

test_laws = check_plugin("usage")
