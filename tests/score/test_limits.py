from .answers import Miss
from .limits import Limit, limits
from .tally import Tally

AUDIO = Limit("anthropic", "text", "client", "it is spoken", ("openai-*",), loss="audio")


def test_a_limit_explains_what_matches_all_of_its_patterns() -> None:
    miss = Miss("openai-chat-1", "text", "wanted x", losses=("audio",))
    assert AUDIO.explains("anthropic", miss)
    assert not AUDIO.explains("chat", miss)
    assert not AUDIO.explains("anthropic", Miss("mistral-chat-1", "text", "", ("audio",)))
    assert not AUDIO.explains("anthropic", Miss("openai-chat-1", "calls", "", ("audio",)))


def test_a_loss_that_is_not_named_explains_nothing() -> None:
    assert not AUDIO.explains("anthropic", Miss("openai-chat-1", "text", "wanted x"))


def test_every_limit_names_whose_it_is() -> None:
    assert {limit.why for limit in limits()} <= {"client", "recording"}
    assert all(limit.reason for limit in limits())


def test_what_is_explained_is_counted_apart() -> None:
    tally = Tally("A title")
    tally.add([("openai", "chat")], "gemini", [])
    miss = Miss("a", "usage.cache_write", "wanted 1", ("usage.cache_write",))
    tally.add([("openai", "chat")], "gemini", [miss])
    tally.add([("openai", "chat")], "gemini", [Miss("b", "text", "wanted x")])
    cell = tally.totals["gemini"]
    assert (cell.scored, cell.unharmed, cell.explained) == (3, 1, 1)
    assert [miss.id for _, miss in tally.missed] == ["b"]
    assert any("1/3 +1" in line for line in tally.lines())
