"""Vectors of texts: similar texts have similar vectors; word order is ignored."""

import math
import re
from functools import lru_cache
from hashlib import blake2b

DIMENSIONS = 256
MOST_DIMENSIONS = 4096
MOST_TOKENS = 8192
"""Maximum tokens of one input."""

_WORD = re.compile(r"\w{1,64}")


def vector_of(text: str | tuple[int, ...], dimensions: int = DIMENSIONS) -> tuple[float, ...]:
    """A unit vector: each word counts 1, each three letters in a row a quarter."""
    words = _WORD.findall(text.casefold()) if isinstance(text, str) else map(str, text)
    vector = [0.0] * dimensions
    for word in words:
        for digest, weight in _features(word):
            vector[digest % dimensions] += weight
    length = math.hypot(*vector)
    if not length:
        vector[0] = length = 1.0
    return tuple(value / length for value in vector)


@lru_cache(maxsize=4096)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    """Positions in a vector and what to add there; signs differ so that collisions cancel out."""
    marked = f"<{word}>"
    letters = [(marked[at : at + 3], 0.25) for at in range(len(marked) - 2)]
    features = []
    for feature, weight in [(word, 1.0), *letters]:
        digest = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest())
        features.append((digest >> 1, weight if digest & 1 else -weight))
    return tuple(features)
