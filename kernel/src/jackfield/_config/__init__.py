"""Strict TOML: where everything stands, structured into attrs classes, all problems at once."""
