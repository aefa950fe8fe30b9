"""A client of Airbyte's public API: gets a token for a client id and secret, and reads lists page by page.

https://reference.airbyte.com; `abctl local credentials` prints the id and secret of a local server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import urllib3
from urllib3.exceptions import HTTPError

from forecast.core.errors import RetryableError, SettingError
from forecast.core.text import escaped, without_secret, without_secrets

_TIMEOUT: Final = urllib3.Timeout(connect=10, read=120)  # to create a source, Airbyte starts its connector
_PAGE: Final = 100
_SHOWN_LETTERS: Final = 300
_UNAUTHORIZED: Final = (401, 403)

Json = dict[str, Any]


class AirbyteApi:
    """Calls on behalf of an application (client id and secret). Messages show no response with one of the `secrets`."""

    def __init__(self, url: str, client_id: str, client_secret: str, secrets: Sequence[str]) -> None:
        self._url = url.rstrip("/")
        self._secrets = secrets
        self._credentials = {"client_id": client_id, "client_secret": client_secret}
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)
        self._token: str | None = None

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The response to a call.

        Raises RetryableError if the server is unreachable or fails, and SettingError if it rejects the call.
        """
        if self._token is None:
            self._token = str(self._request("POST", "/applications/token", self._credentials)["access_token"])
        return self._request(method, path, body)

    def all(self, path: str, workspace_id: str) -> Iterator[Json]:
        """Every entry of a list of the workspace."""
        joint = "" if "/workspaces/" in path else f"workspaceIds={workspace_id}&"
        offset = 0
        while True:
            page = self.call("GET", f"{path}?{joint}limit={_PAGE}&offset={offset}")["data"]
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE

    def _request(self, method: str, path: str, body: Json | None) -> Json:
        where = f"{method} {path.partition('?')[0]}"
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        content = None if body is None else json.dumps(body).encode()
        try:
            answer = self._pool.request(method, self._url + path, body=content, headers=headers, redirect=False)
        except HTTPError as error:
            raise RetryableError(
                f"Airbyte does not answer at {without_secrets(self._url)} ({type(error).__name__}); is it running, and "
                "is AIRBYTE_API_URL right?"
            ) from None
        if answer.status in _UNAUTHORIZED:
            raise SettingError(
                f"Airbyte answered {answer.status} to {where}; check AIRBYTE_CLIENT_ID, AIRBYTE_CLIENT_SECRET and "
                "AIRBYTE_WORKSPACE_ID"
            )
        if not 200 <= answer.status < 300:  # noqa: PLR2004  what HTTP calls success
            kind = RetryableError if answer.status >= 500 else SettingError  # noqa: PLR2004
            raise kind(f"Airbyte answered {answer.status} to {where}: {self._shown(answer.data)}")
        try:
            found: Json = json.loads(answer.data or b"{}")
        except ValueError as error:
            raise RetryableError(f"Airbyte's response to {where} is not JSON; is AIRBYTE_API_URL right?") from error
        return found

    def _shown(self, answer: bytes) -> str:
        """The beginning of a response, without any of our secrets that it may quote."""
        text = answer.decode(errors="replace")
        for secret in self._secrets:
            text = without_secret(text, secret)
        return escaped(text[:_SHOWN_LETTERS])


def is_secret(name: str) -> bool:
    """Whether a field of a configuration is a secret, which Airbyte does not return."""
    return name in {"api_key", "access_key_id", "secret_access_key", "client_secret"}
