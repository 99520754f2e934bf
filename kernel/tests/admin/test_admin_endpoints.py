"""Every endpoint of the admin listener has a permission, and stands on no other listener."""

from jackfield._admin_frontend import AdminFrontend
from jackfield.endpoints import PUBLIC, Endpoint

from .conftest import Admin

OPEN_TO_ALL = {"/health", "/ready"}


def endpoints_of(admin: Admin) -> list[Endpoint]:
    frontend = admin.gateway.admin_frontend
    assert isinstance(frontend, AdminFrontend)
    return list(frontend.table)


async def test_only_liveness_and_readiness_are_open_to_all(admin: Admin) -> None:
    assert {one.path for one in endpoints_of(admin) if one.permission == PUBLIC} == OPEN_TO_ALL


async def test_without_a_key_every_other_endpoint_is_closed(admin: Admin) -> None:
    for number, one in enumerate(endpoints_of(admin)):
        path, client = one.path.replace("{id}", "red"), f"127.0.0.{number + 1}"
        answer = await admin.ask(one.method, path, client=client)
        assert (answer.status == 200) if path in OPEN_TO_ALL else (answer.status == 401), path


async def test_none_of_it_is_on_the_main_listener(admin: Admin) -> None:
    shared = {"/health", "/ready", "/jackfield/explain"}
    main = {one.path for one in admin.gateway.table}
    assert {one.path for one in endpoints_of(admin)} & main == shared
