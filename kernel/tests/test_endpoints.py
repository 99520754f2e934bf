"""Which endpoint answers a path."""

import pytest

from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield.endpoints import Endpoint, EndpointTable


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_exact_path_for_any_method_is_found_before_a_pattern(method: str) -> None:
    files = Endpoint("*", "/v1/files", GATEWAY_DIALECT, "files", "files")
    rest = Endpoint("*", "/v1/{rest*}", GATEWAY_DIALECT, "resources", "resources")
    endpoint, _ = EndpointTable([rest, files]).find(method, "/v1/files")
    assert endpoint is files
