"""The provider keeps the laws of the contract, in front of a real server."""

from jackfield.testing import check_plugin

test_laws = check_plugin("azure", config={"base_url": "https://contoso.openai.azure.com"})
