"""The configuration of AWS credentials."""

import re
from typing import Final

from attrs import frozen

from jackfield.config import option
from jackfield.secrets import SecretRef

_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/\S+")


@frozen
class Credentials:
    """The source of credentials: keys, a profile, a role or a bearer token.

    By default AWS's chain finds them: the environment, `~/.aws`, the container or the machine.
    `role_arn` is assumed with those credentials.
    """

    access_key: SecretRef | None = option(None, "The access key id; needs `secret_key`.")
    secret_key: SecretRef | None = option(None, "The secret access key.")
    session_token: SecretRef | None = option(None, "The session token of temporary keys.")
    profile: str | None = option(None, "A profile of `~/.aws/config`.")
    role_arn: str | None = option(None, "A role to assume, with the default chain's credentials.")
    external_id: str | None = option(None, "The external id that the role requires.")
    bearer: SecretRef | None = option(None, "A Bedrock API key, sent as a bearer token.")

    def __attrs_post_init__(self) -> None:
        if (self.access_key is None) is not (self.secret_key is None):
            raise ValueError("access_key and secret_key go together")
        sources = (self.access_key, self.profile, self.role_arn, self.bearer)
        if sum(one is not None for one in sources) > 1:
            raise ValueError("set only one of access_key, profile, role_arn and bearer")
        if self.session_token is not None and self.access_key is None:
            raise ValueError("session_token goes with access_key and secret_key")
        if self.external_id is not None and self.role_arn is None:
            raise ValueError("external_id goes with role_arn")
        if self.role_arn is not None and not _ROLE.fullmatch(self.role_arn):
            raise ValueError("role_arn looks like arn:aws:iam::123456789012:role/NAME")
