"""An organization, two teams and four keys, and budgets of all of them that are too small."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen
from tests.trust.books import INPUT_PRICE, OUTPUT_PRICE
from tests.trust.load import MAX_TOKENS

ORGANIZATION = "acme"
TEAMS = ("search", "ads")
KEYS = {"s1": "search", "s2": "search", "a1": "ads", "a2": "ads"}

_INPUT = 32
_OUTPUT = MAX_TOKENS * 9 / 16
_CENT = 10_000_000

# Parts of what all requests would cost. One key, one team and the organization are stopped by
# budgets of their own, in this order; the rest has room.
_PARTS = {"organization": 0.75, "search": 0.31, "ads": 0.60, "s1": 0.12, "s2": 0.30}
_PARTS |= {"a1": 0.40, "a2": 0.40}


@frozen
class Limits:
    """Budgets for a run of `total` requests; `ids` has the keys' ids by their names."""

    total: int
    ids: Mapping[str, str] = field(factory=dict)

    @property
    def amounts(self) -> Mapping[str, int]:
        """Nano-dollars, in whole cents, by the budget's name."""
        whole = self.total * (_INPUT * INPUT_PRICE + _OUTPUT * OUTPUT_PRICE)
        return {name: round(whole * part / _CENT) * _CENT for name, part in _PARTS.items()}

    def scope(self, name: str) -> str:
        """What a budget is for."""
        if name in KEYS:
            return f"key:{self.ids[name]}"
        return f"organization:{ORGANIZATION}" if name == "organization" else f"team:{name}"

    def kind(self, name: str) -> str:
        """The kind of scope it is for."""
        return self.scope(name).partition(":")[0]

    def label(self, name: str) -> str:
        """Whose it is."""
        return f"{self.kind(name)} {ORGANIZATION if name == 'organization' else name}"

    def budgets_of(self, place: int) -> Sequence[str]:
        """The budgets that the requests of a key fall under, the key's own first."""
        key = list(KEYS)[place]
        return key, KEYS[key], "organization"

    def toml(self) -> str:
        """The tables of the hierarchy, and of the budgets once the keys are known."""
        people = [f"[plugins.virtual_keys.organizations.{ORGANIZATION}]"]
        for team in TEAMS:
            people += [
                f"[plugins.virtual_keys.teams.{team}]",
                f'organization = "{ORGANIZATION}"',
            ]
        budgets = [
            f"[plugins.budgets.limits.{name}]\n"
            f'scope = "{self.scope(name)}"\nlimit = "{amount / 10**9:.2f}"\nwindow = "none"'
            for name, amount in self.amounts.items()
            if self.ids
        ]
        return "\n".join([*people, *budgets, ""])
