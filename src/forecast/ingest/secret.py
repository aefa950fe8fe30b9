"""A key that is never shown."""

from __future__ import annotations

from forecast.core.text import without_secret


class Key:
    """A network's key: shown as ***, and removed from texts by others."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def reveal(self) -> str:
        """The key itself; only use it for the call."""
        return self._text

    def removed_from(self, text: str) -> str:
        """The text without the key, as it is or as it is in a URL."""
        return without_secret(text, self._text)
