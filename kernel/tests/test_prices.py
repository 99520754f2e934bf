"""The price book: which price holds, and what the configuration changes."""

import datetime as dt
from itertools import combinations

import pytest

from jackfield._price_list import provider_entries
from jackfield.config import parse, read_settings
from jackfield.errors import ConfigError
from jackfield.messages import Bill, Usage
from jackfield.plan import Target
from jackfield.prices import Price, PriceBook
from jackfield.rates import NAMES, Rates, Tariff

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp()
MILLION = Usage(1_000_000, 0)


def book(toml: str) -> PriceBook:
    document = parse(toml)
    settings = read_settings(document)
    document.problems.raise_if_any()
    return PriceBook(settings.prices)


def cost_of(prices: PriceBook, target: str, usage: Usage = MILLION, at: float = NOW) -> int:
    provider, _, model = target.partition("/")
    cost = prices.cost(Target(provider, model), usage, at=at)
    assert not cost.missing, cost
    return cost.nano


def at(text: str) -> float:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()


def test_the_configuration_comes_before_what_is_shipped() -> None:
    prices = book('[prices."openai/gpt-4o"]\ninput = "1.00"\n')
    assert cost_of(prices, "openai/gpt-4o") == 1_000_000_000
    # What is left out is as shipped.
    assert cost_of(prices, "openai/gpt-4o", Usage(0, 1_000_000)) == 10_000_000_000


@pytest.mark.parametrize("model", ["us.amazon.nova-pro-v1:0", "ai21.jamba-1-5-large-v1:0"])
def test_a_model_costs_the_same_by_its_arn(model: str) -> None:
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{model}"
    assert cost_of(book(""), f"bedrock/{arn}") == cost_of(book(""), f"bedrock/{model}")


def test_for_each_rate_the_first_pattern_that_has_it_counts() -> None:
    prices = book('[prices."own/large"]\ninput = 2\n[prices."own/*"]\ninput = 1\noutput = 7.5\n')
    assert cost_of(prices, "own/large") == 2_000_000_000
    assert cost_of(prices, "own/small") == 1_000_000_000
    assert cost_of(prices, "own/large", Usage(0, 1_000_000)) == 7_500_000_000


def test_a_price_of_a_provider_is_not_one_of_a_model_that_is_named_after_it() -> None:
    prices = book('[prices."openai/*"]\ninput = 0\n')
    assert cost_of(prices, "openai/gpt-4o") == 0
    assert cost_of(prices, "groq/openai/gpt-oss-120b") == 150_000_000


def test_a_pattern_without_a_provider_holds_at_all() -> None:
    prices = book('[prices."*gpt-oss*"]\ninput = 1\n')
    assert cost_of(prices, "groq/openai/gpt-oss-120b") == 1_000_000_000


def test_a_price_holds_from_its_first_day_to_the_day_before_its_last() -> None:
    prices = book(
        '[[prices."own/*"]]\ninput = 1\nuntil = "2026-07-01"\n'
        '[[prices."own/*"]]\ninput = 3\nsince = "2026-07-01"\n'
    )
    assert cost_of(prices, "own/m", at=at("2026-06-30T23:59:59")) == 1_000_000_000
    assert cost_of(prices, "own/m", at=at("2026-07-01T00:00:00")) == 3_000_000_000


def test_conditions_can_be_joined() -> None:
    prices = book(
        '[prices."own/*"]\ninput = 1\n'
        '[prices."own/*".when."above 1000"]\ninput = 2\n'
        '[prices."own/*".when.batch]\ninput = 0.5\n'
        '[prices."own/*".when."batch above 1000"]\ninput = 0.75\n'
        '[prices."own/*".when."hours 2-4"]\ninput = 9\n'
    )
    batch = Usage(1_000_000, service_tier="batch")
    assert cost_of(prices, "own/m", Usage(1000)) == 1_000_000
    assert cost_of(prices, "own/m", Usage(1001)) == 2_002_000
    assert cost_of(prices, "own/m", batch) == 750_000_000
    assert cost_of(prices, "own/m", Usage(1000), at("2026-11-22T02:00:00")) == 9_000_000
    assert cost_of(prices, "own/m", Usage(1000), at("2026-11-22T04:00:00")) == 1_000_000


def test_hours_may_go_over_midnight() -> None:
    prices = book('[prices."own/*"]\ninput = 1\n[prices."own/*".when."hours 22-4"]\ninput = 9\n')
    hours = {
        hour: cost_of(prices, "own/m", at=at(f"2026-11-22T{hour:02}:59:59")) for hour in range(24)
    }
    assert [hour for hour, cost in hours.items() if cost == 9_000_000_000] == [0, 1, 2, 3, 22, 23]


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('input = "-1"', "must not be negative: '-1'"),
        ("input = -1", "must not be negative"),
        ('input = "free"', "not an amount"),
        ("inptu = 1", "inptu"),
        ('since = "soon"', "since"),
        ('since = "2026-02-01"\nuntil = "2026-01-01"', "not before"),
        ('[prices."own/*".when."batch abvoe 1"]\ninput = 1', "unknown condition '"),
        ('[prices."own/*".when."hours 5-25"]\ninput = 1', "unknown condition '"),
    ],
)
def test_a_price_that_cannot_be_is_refused(toml: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        book(f'[prices."own/*"]\n{toml}\n')


def test_a_model_that_is_in_no_book_has_no_price() -> None:
    cost = PriceBook().cost(Target("own", "secret"), MILLION, at=NOW)
    assert (cost.nano, cost.missing) == (0, True)


def test_what_is_used_and_has_no_rate_is_named() -> None:
    prices = PriceBook({"own/*": Price(input=1)})
    cost = prices.cost(Target("own", "m"), Usage(1_000_000, units={"page": 2}), at=NOW)
    assert (cost.nano, cost.missing, cost.unpriced) == (1_000_000_000, True, ("page",))


def test_what_a_provider_says_counts_more_than_the_book_and_less_than_the_configuration() -> None:
    charged = Usage(1_000_000, cost=42)
    assert cost_of(PriceBook(), "openai/gpt-4o", charged) == 42
    assert cost_of(PriceBook(), "own/secret", charged) == 42
    assert (
        cost_of(PriceBook({"openai/*": Price(input=1)}), "openai/gpt-4o", charged) == 1_000_000_000
    )


def test_the_names_of_a_provider_lead_to_its_prices() -> None:
    prices = PriceBook(names=lambda provider: ("openai",) if provider == "work" else ())
    assert cost_of(prices, "work/gpt-4o") == 2_500_000_000


def test_bills_are_added_up_each_at_the_rates_of_its_model() -> None:
    prices = PriceBook({"own/a": Price(input=1), "own/b": Price(input=10)})
    usage = Usage(1, bills=(Bill(MILLION), Bill(Usage(100_000), "b")))
    assert cost_of(prices, "own/a", usage) == 2_000_000_000


def test_a_request_has_a_fee_of_its_own() -> None:
    prices = PriceBook({"own/*": Price(input=1, request=0.005)})
    assert cost_of(prices, "own/m", Usage(0)) == 5_000_000


def test_a_sum_is_rounded_up_once() -> None:
    tariff = Tariff({"input": 400_000, "output": 400_000})
    # Two times 0.4 nano-dollars are not two of them.
    assert tariff.cost(Usage(1, 1)) == (1, ())


@pytest.mark.parametrize(
    "usage",
    [
        Usage(10, cached_input_tokens=10, cache_write_tokens=10),
        Usage(10, audio_input_tokens=50),
        Usage(0, 10, reasoning_tokens=10, audio_output_tokens=10),
        Usage(10, cached_audio_tokens=20, cached_input_tokens=5),
    ],
)
def test_no_token_is_billed_twice_whatever_a_provider_reports(usage: Usage) -> None:
    flat = Tariff(dict.fromkeys(NAMES, 1_000_000) | {"request": 0})
    assert flat.cost(usage)[0] == usage.total_tokens


def test_no_model_has_two_shipped_prices_on_one_day() -> None:
    for provider, of_provider in provider_entries().items():
        for model, entries in of_provider.exact.items():
            for one, other in combinations(entries, 2):
                same = all(other.rates.get(name, rate) == rate for name, rate in one.rates.items())
                apart = one.until <= other.since or other.until <= one.since
                assert same or apart, f"{provider}/{model}"


def test_every_shipped_rate_has_a_name_and_is_not_below_0() -> None:
    entries = [
        entry for of_provider in provider_entries().values() for _, entry in of_provider.patterns
    ]
    entries += [
        entry
        for of_provider in provider_entries().values()
        for found in of_provider.exact.values()
        for entry in found
    ]
    assert len(entries) > 1000
    for entry in entries:
        for rates in (entry.rates, *entry.when.values()):
            assert rates.keys() <= set(NAMES)
            assert all(type(rate) is int and rate >= 0 for rate in rates.values())


def test_amounts_are_written_as_text_or_as_numbers() -> None:
    assert Rates(input=2.5, output=10).nano() == {"input": 2_500_000_000, "output": 10_000_000_000}
