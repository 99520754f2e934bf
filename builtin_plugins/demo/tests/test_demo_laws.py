"""The provider keeps the laws of the contract."""

from jackfield.testing import check_plugin

test_laws = check_plugin("demo", config={"tokens_per_second": 0})
