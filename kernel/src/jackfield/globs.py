"""Name patterns in which `*` stands for any text; nothing else is special."""


def matches(pattern: str, name: str) -> bool:
    """Whether `name` matches `pattern`, in which `*` stands for any text."""
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    if not name.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        at = name.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(name) - len(rest[-1]) >= at and name.endswith(rest[-1])
