"""The laws of plugins, for metrics."""

from jackfield.testing import check_plugin

test_laws = check_plugin("metrics")
