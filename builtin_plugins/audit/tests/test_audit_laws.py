"""The plugin keeps the contract of plugins."""

from jackfield.testing import check_plugin

test_laws = check_plugin("audit", config={"traffic": "open", "digests": True})
