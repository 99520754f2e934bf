"""The laws of plugins."""

from tempfile import TemporaryDirectory

from jackfield.testing import check_plugin

STATE = TemporaryDirectory(prefix="jackfield-laws-")

test_laws = check_plugin(
    "usage",
    toml=f'[server]\nstate_dir = "{STATE.name}"\n',
    skip={"failed-start": "the kit tries it without a store, which it needs"},
)
