"""Strict TOML: locates every value, structures it into attrs classes, reports all problems."""
