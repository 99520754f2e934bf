"""The names of all keys in the server, unique for any names of scopes."""

from collections.abc import Iterable
from typing import Final

from attrs import frozen

from jackfield.store import Account

# The end of a name is unchanged; the part before a colon must not contain one. Braces would move
# a key to another slot of a cluster.
_ESCAPES: Final = {ord(sign): f"%{ord(sign):02x}" for sign in "%:{}\0"}


def encoded(text: str) -> bytes:
    """The bytes of a name, even if it is not well-formed Unicode."""
    return text.encode("utf-8", "surrogatepass")


def decoded(data: bytes) -> str:
    """The name that these bytes encode."""
    return data.decode("utf-8", "surrogatepass")


def escaped(text: str) -> str:
    """A name in a form that may precede a colon."""
    return text.translate(_ESCAPES)


def unescaped(text: str) -> str:
    """The name that was escaped."""
    for sign, escape in reversed(_ESCAPES.items()):
        text = text.replace(escape, chr(sign))
    return text


def check_names(*names: str) -> None:
    """Raise ValueError for names that some stores cannot keep."""
    for name in names:
        if "\0" in name:
            raise ValueError(f"{name!r} contains a NUL; choose another name")


def account_name(account: Account) -> bytes:
    """The name of an account within the ledger."""
    return encoded(f"{escaped(account.scope)}:{account.name}")


@frozen
class Keys:
    """The keys with one prefix.

    Everything in the ledger has one hash tag, so that in a cluster one script can reach all of it;
    values have one per scope.
    """

    prefix: str

    @property
    def born(self) -> bytes:
        """When the ledger was created; scripts also derive the ledger's other keys from it."""
        return encoded(f"{{{self.prefix}:ledger}}:born")

    def ledger(self, owner: str, accounts: Iterable[bytes] = ()) -> tuple[bytes, ...]:
        """The keys of the ledger that a script changes; `born` is the first.

        Scripts derive others themselves. A cluster that is moving the slot must be given enough of
        them to notice that some are missing.
        """
        start = encoded(f"{{{self.prefix}:ledger}}:")
        its_own = (start + b"held", start + b"leases", start + b"owner:" + encoded(owner))
        return (self.born, *its_own, *(start + b"account:" + account for account in accounts))

    @property
    def scopes(self) -> bytes:
        """The scopes that have records or tallies."""
        return encoded(f"{{{self.prefix}:ledger}}:scopes")

    def tallied(self, scope: str) -> bytes:
        """The hours for which a scope has tallies."""
        return encoded(f"{{{self.prefix}:ledger}}:tallied:{scope}")

    def tallies(self, scope: str, hour: int) -> bytes:
        """The tallies of a scope in an hour."""
        return encoded(f"{{{self.prefix}:ledger}}:tallies:{hour}:{scope}")

    def value(self, scope: str, key: str = "") -> bytes:
        """The key of a value, or the prefix of all values of a scope."""
        return encoded(f"{{{self.prefix}:values:{escaped(scope)}}}:value:{key}")

    def index(self, scope: str) -> bytes:
        """The keys of a scope's values, in order."""
        return encoded(f"{{{self.prefix}:values:{escaped(scope)}}}:index")

    def expiries(self, scope: str) -> bytes:
        """When the expiring values of a scope expire."""
        return encoded(f"{{{self.prefix}:values:{escaped(scope)}}}:expiries")

    def channel(self, channel: str) -> bytes:
        """A channel of messages."""
        return encoded(f"{self.prefix}:messages:{channel}")
