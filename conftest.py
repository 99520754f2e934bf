"""What the tests of every room share."""

from hypothesis import settings

# A busy machine is no failure: pytest-timeout has the last word on time.
settings.register_profile("jackfield", deadline=None)
settings.load_profile("jackfield")
