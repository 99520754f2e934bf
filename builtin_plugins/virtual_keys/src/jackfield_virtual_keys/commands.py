"""`jackfield organizations`, `teams`, `users`, `projects` and `keys`."""

from typing import Final

from jackfield.commands import resource_command

from .hierarchy import Organizations, Projects, Teams, Users
from .virtual_keys import VirtualKeyCollection

organizations: Final = resource_command(
    Organizations,
    [
        "jackfield organizations create acme --models 'openai/*' --models fast",
        "jackfield organizations update acme --permissions inference --permissions files",
        "jackfield organizations revoke acme",
    ],
)
teams: Final = resource_command(
    Teams,
    [
        "jackfield teams create search --organization acme --providers openai",
        "jackfield teams create ranking --parent search",
        "jackfield teams list --where organization=acme",
    ],
)
users: Final = resource_command(
    Users,
    [
        "jackfield users create ann --team search",
        "jackfield users create nightly --team search --kind service",
    ],
)
projects: Final = resource_command(
    Projects,
    [
        "jackfield projects create web --team search --required-metadata session",
        "jackfield projects show web",
    ],
)
keys: Final = resource_command(
    VirtualKeyCollection,
    [
        "jackfield keys create web --project web --expires 2027-01-31T00:00:00Z",
        "jackfield keys create laptop --user ann --models 'openai/*-mini'",
        "jackfield keys rotate ID --grace 24h",
        "jackfield keys revoke ID",
    ],
)
