"""The plan for an exchange: which targets to try, in which order, and why."""

from collections.abc import Callable, Iterable, Mapping

from attrs import evolve, field, frozen


@frozen
class Target:
    """A model at a provider. `provider` is the instance's name in the TOML."""

    provider: str
    model: str
    weight: float = 1.0
    region: str | None = None
    metadata: Mapping[str, str] = field(factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@frozen
class Decision:
    """One decision that shaped a plan. `by` is the plugin's name, or "kernel"."""

    what: str
    because: str
    by: str = ""


@frozen
class Plan:
    """The targets to try, in order. Methods return a changed plan and record the reason."""

    targets: tuple[Target, ...]
    decisions: tuple[Decision, ...] = ()

    def keep(self, predicate: Callable[[Target], bool], because: str) -> "Plan":
        """Only the targets for which `predicate` holds."""
        kept = tuple(target for target in self.targets if predicate(target))
        dropped = ", ".join(str(target) for target in self.targets if target not in kept)
        return self._next(kept, f"drop {dropped}", because) if dropped else self

    def drop(self, target: Target, because: str) -> "Plan":
        """All targets but this one."""
        return self.keep(lambda other: other != target, because)

    def order(self, key: Callable[[Target], float], because: str) -> "Plan":
        """Sorted by `key`, smallest first; equal ones keep their order."""
        ordered = tuple(sorted(self.targets, key=key))
        if ordered == self.targets:
            return self
        return self._next(ordered, "order " + ", ".join(map(str, ordered)), because)

    def add(self, targets: Iterable[Target], because: str, *, first: bool = False) -> "Plan":
        """With more targets after the existing ones, or before them."""
        more = tuple(target for target in targets if target not in self.targets)
        if not more:
            return self
        joined = more + self.targets if first else self.targets + more
        return self._next(joined, "add " + ", ".join(map(str, more)), because)

    def note(self, what: str, because: str) -> "Plan":
        """The same targets, with one more reason to display."""
        return self._next(self.targets, what, because)

    def signed(self, by: str) -> "Plan":
        """With `by` as the author of decisions that have none yet."""
        if all(decision.by for decision in self.decisions):
            return self
        named = tuple(d if d.by else evolve(d, by=by) for d in self.decisions)
        return evolve(self, decisions=named)

    def _next(self, targets: tuple[Target, ...], what: str, because: str) -> "Plan":
        return Plan(targets, (*self.decisions, Decision(what, because)))
