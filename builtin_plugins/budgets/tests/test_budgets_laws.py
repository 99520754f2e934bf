"""The laws of plugins, for budgets."""

from tempfile import TemporaryDirectory

from jackfield.testing import check_plugin

STATE = TemporaryDirectory(prefix="jackfield-laws-")

test_laws = check_plugin(
    "budgets",
    config={"limits": {"all": {"limit": "1.00", "hard": False}}},
    toml=f'[server]\nstate_dir = "{STATE.name}"\n',
    skip={"failed-start": "the kit tries it without a store, which it needs"},
)
