"""A plugin meets every kind of request, not only chats: dry runs, lists, embeddings."""

from collections.abc import Sequence

from jackfield._explain import explain
from jackfield.testing.dialect import CHAT_PATH, LIST_PATH
from jackfield.testing.dialect_embeddings import EMBEDDINGS_PATH
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, authenticates, has_hooks


async def explains_itself(subject: Subject) -> None:
    """A dry run calls no provider, and none of the plugin's hooks fails in it."""
    for stream in (False, True):
        async with run_harness(subject) as harness:
            message = {"role": "user", "text": subject.texts[0]}
            body = {"model": "fake/echo", "messages": [message], "stream": stream}
            request = {"path": CHAT_PATH, "headers": dict(subject.headers), "body": body}
            plugins = (await explain(harness.gateway, request)).get("plugins", ())
            if harness.fake.requests:
                raise LawBrokenError("it caused a call of a provider in a dry run")
            failures = [why for one in plugins for why in one["failures"]]
            _check(harness, failures, "in a dry run, whose response is empty")


async def lets_others_pass(subject: Subject) -> None:
    """Neither embeddings make it fail, nor a request without a body, which is not translated."""
    await _lets_embeddings_pass(subject)
    async with run_harness(subject) as harness:
        answer = await harness.client.get(LIST_PATH, headers=subject.headers)
        what = f"GET {LIST_PATH}, which has no body and no canonical form"
        _check(harness, (await harness.settled()).exchange.failures, f"at {what}")
        if answer.status == 400:
            raise LawBrokenError(f"it called {what}, malformed: {await answer.read()!r}")


async def _lets_embeddings_pass(subject: Subject) -> None:
    async with run_harness(subject) as harness:
        body = {"model": "fake/echo", "input": [subject.texts[0]]}
        answer = await harness.client.post(EMBEDDINGS_PATH, json=body, headers=subject.headers)
        await answer.read()
        what = f"at POST {EMBEDDINGS_PATH}, which has texts and a model, and is no chat"
        _check(harness, (await harness.settled()).exchange.failures, what)


async def lets_callers_in(subject: Subject) -> None:
    """A request with the subject's headers; without it the other laws would be tried in vain."""
    async with run_harness(subject) as harness:
        if (await harness.read()).status == 401:
            raise LawBrokenError(
                "it let in none of the kit's requests, so nothing else of it was tried; say with"
                " `headers` what a caller sends whom it knows"
            )


def _check(harness: Harness, failures: Sequence[str], where: str) -> None:
    own = [failure for failure in failures if failure.startswith(f"{harness.subject.name}.")]
    if own:
        raise LawBrokenError(f"it failed {where}: {own[0]}")


REQUEST_KINDS = (
    Law("dry-run", "a dry run is decided as usual, and sends nothing", explains_itself, has_hooks),
    Law("other-requests", "what is no chat is let through", lets_others_pass, has_hooks),
    Law("lets-in", "who sends what it asks for is let in", lets_callers_in, authenticates),
)
