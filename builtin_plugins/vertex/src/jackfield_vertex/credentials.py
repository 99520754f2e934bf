"""The configuration of the gateway's Google Cloud credentials."""

from attrs import frozen

from jackfield.config import option
from jackfield.secrets import SecretRef


@frozen
class CredentialsTable:
    """At most one of these; by default the Application Default Credentials are used."""

    service_account: SecretRef | None = option(None, "The key file of a service account, in JSON.")
    bearer: SecretRef | None = option(None, "An access token that something else renews.")
    metadata: bool = option(False, "Use the machine's service account, from its metadata server.")

    def problem(self) -> str | None:
        """What is wrong with it, or None."""
        given = (self.service_account is not None, self.bearer is not None, self.metadata)
        return "name one of service_account, bearer and metadata" if sum(given) > 1 else None
