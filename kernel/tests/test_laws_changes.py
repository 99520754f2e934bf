"""Who changes what: by methods that record it, and only what the class declares."""

from msgspec.structs import replace

from jackfield import (
    CallNext,
    Chunk,
    Exchange,
    Outcome,
    Plugin,
    Principal,
    Response,
    Target,
    hookimpl,
)
from jackfield.testing import run_gateway


class Renames(Plugin):
    """Changes all that may be changed before routing."""

    mutates = frozenset({"request", "principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.replace_texts({("messages", 0, "text"): "changed"})
        exchange.set_principal(Principal("acme", permissions=exchange.principal.permissions))


class Stamps(Plugin):
    """Replaces whole answers, and writes its own into streams."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> tuple[Chunk, ...] | None:
        return (chunk.with_texts({span.path: "stamped" for span in chunk.texts()}),)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        response = outcome.response
        if response is None or response.streaming or outcome.error is not None:
            return None
        return response.with_body(b'{"text":"stamped"}')


class Marks(Plugin):
    """Changes the response of an attempt."""

    mutates = frozenset({"response"})

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return replace(await call_next(target), status=203)


class SlyMarks(Marks):
    """Does not declare it."""

    mutates = frozenset()


PLUGINS = {"renames": Renames, "stamps": Stamps, "marks": Marks, "slymarks": SlyMarks}


async def test_changes_are_recorded_with_their_author() -> None:
    async with run_gateway("[plugins.renames]", PLUGINS) as client:
        assert await (await client.chat("Hello")).text() == "changed"
        changes = [(change.by, change.what) for change in client.settled[0].exchange.changes]
        assert changes == [("renames", "texts"), ("renames", "principal acme")]


async def test_a_replaced_response_is_sent_and_recorded() -> None:
    async with run_gateway("[plugins.outer]\nuse='recorder'\n[plugins.stamps]", PLUGINS) as client:
        assert await (await client.chat("Hello")).text() == "stamped"
        outcome = client.plugin("outer").of("post_response")[0].given
        assert outcome.response.body == b'{"text":"stamped"}'
        assert [change.by for change in client.settled[0].exchange.changes] == ["stamps"]


async def test_a_stream_that_was_sent_is_not_replaced_and_its_rewriting_is_recorded_once() -> None:
    async with run_gateway("[plugins.stamps]", PLUGINS) as client:
        answer = await client.chat("One two", stream=True)
        assert await answer.text() == "stampedstamped"
        assert [change.by for change in client.settled[0].exchange.changes] == ["stamps"]


async def test_the_response_of_an_attempt_changes_only_by_declaration() -> None:
    async with run_gateway("[plugins.marks]", PLUGINS) as client:
        assert (await client.chat()).status == 203
    async with run_gateway("[plugins.slymarks]", PLUGINS) as client:
        assert (await client.chat()).status == 500
        failures = client.settled[0].exchange.failures
        assert failures == ["slymarks.call_provider: raised UndeclaredChange → refuse"]


class Leaves(Plugin):
    """Bows out at once."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        exchange.leave(self)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        raise AssertionError("it had left")


async def test_a_plugin_that_bows_out_has_no_later_hook() -> None:
    toml = "[plugins.leaves]\n[plugins.inner]\nuse = 'recorder'"
    async with run_gateway(toml, {"leaves": Leaves}) as client:
        assert (await client.chat()).status == 200
        assert client.settled[0].exchange.failures == []
        assert len(client.plugin("inner").of("post_response")) == 1


class Works(Plugin):
    """Takes far more than the hundredth of a millisecond that is worth telling."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        sum(range(100_000))


async def test_the_time_of_each_plugin_is_measured_and_shown_when_it_took_any() -> None:
    toml = (
        "[plugins.a]\nuse = 'works'\n[plugins.idle]\nuse = 'recorder'\n[plugins.b]\nuse = 'works'"
    )
    async with run_gateway(toml, {"works": Works}) as client:
        answer = await client.chat()
        timing = answer.headers["server-timing"]
        shown = [part.split(";")[0] for part in timing.split(", ")]
        assert [name for name in shown if name != "idle"] == ["total", "provider", "a", "b"]
        assert all(seconds > 0 for seconds in client.settled[0].exchange.timings)


class WorksAround(Plugin):
    """Takes its time around an attempt, not in it."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        sum(range(1_000_000))
        return await call_next(target)


async def test_the_time_of_a_plugin_around_an_attempt_is_not_counted_as_the_providers() -> None:
    toml = "[plugins.a]\nuse = 'works'\n[plugins.b]\nuse = 'works'"
    async with run_gateway(toml, {"works": WorksAround}) as client:
        answer = await client.chat()
        parts = (part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
        took = {name: float(milliseconds) for name, milliseconds in parts}
        assert took["provider"] + took["a"] + took["b"] <= took["total"]
