"""The laws of plugins, for rate limits."""

from tempfile import TemporaryDirectory

from jackfield.testing import check_plugin

STATE = TemporaryDirectory(prefix="jackfield-laws-")

test_laws = check_plugin(
    "rate_limits",
    config={"limits": {"all": {"requests": 1_000_000}}},
    toml=f'[server]\nstate_dir = "{STATE.name}"\n',
    skip={"failed-start": "the kit tries it without a store, which it needs"},
)
