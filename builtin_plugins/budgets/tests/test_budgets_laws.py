"""The laws of plugins, for budgets."""

from jackfield.testing import check_plugin

test_laws = check_plugin("budgets", config={"limits": {"all": {"limit": "1.00", "hard": False}}})
