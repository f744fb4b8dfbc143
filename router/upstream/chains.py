"""Where clouds' own libraries find credentials: profiles, roles, what a machine is told of itself.

Each is an extra, imported when something is fetched, which is in a thread of its own. It reads the
process's environment itself. Nothing here is needed for keys that stand in the configuration.
"""

from __future__ import annotations

from datetime import UTC
from time import time
from typing import Any

from router.upstream.credential import Lent, Unavailable
from router.upstream.sigv4 import AwsKeys

GOOD_AT_LEAST = 600.0
"""Seconds: what botocore gives is good for longer, or it has fetched it anew."""
UNSAID = 3600.0
"""Seconds for which a token is good of which nobody says."""
GOOGLE = "https://www.googleapis.com/auth/cloud-platform"
AZURE = "https://cognitiveservices.azure.com/.default"
"""What a token is good for."""
LONGEST = 200


class AwsChain:
    """Keys, as botocore finds them. See `Fetch`."""

    def __init__(self) -> None:
        self._found: Any = None

    def __call__(self) -> Lent[AwsKeys]:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session

        try:
            self._found = self._found or Session().get_credentials()
            if self._found is None:
                raise Unavailable("AWS: neither keys nor a profile nor a role was found")
            keys = self._found.get_frozen_credentials()
        except (BotoCoreError, OSError, ValueError) as error:
            raise _unavailable("AWS", error) from error
        return Lent(AwsKeys(keys.access_key, keys.secret_key, keys.token or ""), GOOD_AT_LEAST)


class GoogleChain:
    """A token, by google-auth's application default credentials. See `Fetch`."""

    def __init__(self) -> None:
        self._found: Any = None

    def __call__(self) -> Lent[str]:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request

        try:
            if self._found is None:
                self._found, _ = google.auth.default(scopes=[GOOGLE])
            self._found.refresh(Request())
        except (GoogleAuthError, OSError, ValueError) as error:
            raise _unavailable("Google", error) from error
        expiry = self._found.expiry
        good = UNSAID if expiry is None else expiry.replace(tzinfo=UTC).timestamp() - time()
        return Lent(str(self._found.token), good)


class AzureChain:
    """A token, by azure-identity's default credential. See `Fetch`."""

    def __init__(self) -> None:
        self._found: Any = None

    def __call__(self) -> Lent[str]:
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential

        try:
            self._found = self._found or DefaultAzureCredential()
            token = self._found.get_token(AZURE)
        except (AzureError, OSError, ValueError) as error:
            raise _unavailable("Azure", error) from error
        return Lent(str(token.token), token.expires_on - time())


def _unavailable(whose: str, error: Exception) -> Unavailable:
    said = " ".join(str(error).split())[:LONGEST]
    return Unavailable(f"{whose}: {said or type(error).__name__}")
