"""Lists: pages and filters."""

import pytest

from .conftest import Admin


@pytest.fixture
async def many(admin: Admin) -> Admin:
    for name in ("a", "b", "c", "d", "e"):
        team = {"name": name, "seats": ord(name) % 2, "tags": [name, "all"]}
        await admin.ask("POST", "/jackfield/teams", team)
    return admin


async def names(admin: Admin, query: str) -> list[str]:
    answer = await admin.ask("GET", f"/jackfield/teams?{query}")
    assert answer.status == 200
    return [one["name"] for one in answer.body["data"]]


async def test_pages_follow_one_another_to_the_end(many: Admin) -> None:
    pages, query = [], "limit=2"
    while query:
        page = (await many.ask("GET", f"/jackfield/teams?{query}")).body
        pages.append([one["name"] for one in page["data"]])
        query = f"limit=2&after={page['next']}" if page["next"] else ""
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


async def test_a_page_that_is_just_full_is_the_last(many: Admin) -> None:
    page = (await many.ask("GET", "/jackfield/teams?limit=5")).body
    assert page["next"] is None


async def test_filters_compare_fields_and_look_into_arrays(many: Admin) -> None:
    assert await names(many, "seats=1") == ["a", "c", "e"]
    assert await names(many, "tags=b") == ["b"]
    assert await names(many, "tags=all&seats=0&limit=1") == ["b"]
    assert await names(many, "rank=low&limit=1") == ["a"]
    assert await names(many, "rank=high") == []
    assert await names(many, "open=false&limit=1") == ["a"]
    assert await names(many, "note=") == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        ("seets=1", "seets", 'did you mean "seats"?'),
        ("pin=1", "pin", "no such filter"),
        ("limit=0", "limit", "between 1 and 1000"),
        ("limit=1001", "limit", "between 1 and 1000"),
        ("limit=x", "limit", "between 1 and 1000"),
        ("limit=1&limit=2", "limit", "only once"),
        ("seats=1&seats=0", "seats", "only once"),
        ("rank=hihg", "rank", "rank: must be high or low, not 'hihg'"),
        ("open=yes", "open", "open: must be true or false, not 'yes'"),
    ],
)
async def test_a_query_that_means_nothing_is_refused(
    many: Admin, query: str, param: str, message: str
) -> None:
    answer = await many.ask("GET", f"/jackfield/teams?{query}")
    assert (answer.status, answer.body["error"]["param"]) == (400, param)
    assert message in answer.body["error"]["message"]
