"""The provider keeps the laws of the contract, in front of a real server."""

from jackfield.testing import check_plugin

test_laws = check_plugin("gemini")
