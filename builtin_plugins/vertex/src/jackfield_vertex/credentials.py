"""What the configuration says of who the gateway is to Google Cloud."""

from attrs import frozen

from jackfield.config import option
from jackfield.secrets import SecretRef


@frozen
class CredentialsTable:
    """At most one of these; with none, the Application Default Credentials are used."""

    service_account: SecretRef | None = option(None, "The key file of a service account, in JSON.")
    bearer: SecretRef | None = option(None, "An access token that somebody else renews.")
    metadata: bool = option(False, "The service account of the machine, by its metadata server.")

    def problem(self) -> str | None:
        """What is wrong with it, or None."""
        given = (self.service_account is not None, self.bearer is not None, self.metadata)
        return "name one of service_account, bearer and metadata" if sum(given) > 1 else None
