"""Makes untrusted text safe to show: names and cells can contain control characters, or forge a log line."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import quote, quote_plus

# No-break spaces are "not printable" in Python, but they are in half of all cells and in every French number.
_WITHOUT_NO_BREAK: Final = dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"))
_SHOWN_NAMES: Final = 12
_SHOWN_LETTERS: Final = 40
# Up to the last @ of the line: a password that was not URL-encoded can contain anything. In an S3 URI that would be
# too much, because keys can contain @ too; there a user has a colon, which no bucket name has.
_MONGODB_URI = re.compile(r"(mongodb(?:\+srv)?://)(?:.*@)?\S*", re.IGNORECASE)
_USER_INFO = re.compile(r"((?!s3:)\b[a-z][a-z0-9+.-]*://).*@", re.IGNORECASE)
_S3_USER_INFO = re.compile(r"(s3://)(?:[^\s/@]*:\S*|[^\s/@]+)@", re.IGNORECASE)


def escaped(text: str) -> str:
    r"""The text on one line, with JSON's escapes for characters that must not be printed.

    Escaped are control characters (C0, C1), line and paragraph separators, what turns the direction of writing, and
    halves of surrogate pairs: "\n", "\u009b", "\u202e". Letters of every script and blanks of every width stay.
    """
    if text.isprintable() or text.translate(_WITHOUT_NO_BREAK).isprintable():
        return text
    return "".join(letter if _is_harmless(letter) else json.dumps(letter)[1:-1] for letter in text)


def escaped_lines(text: str) -> str:
    """The same for a text whose line breaks are the program's own."""
    # A report has a hundred thousand lines.
    if text.replace("\n", "").isprintable():
        return text
    return "\n".join(escaped(line) for line in text.split("\n"))


def counted(number: int, noun: str) -> str:
    """The number with its noun, whose plural is regular: `1 call`, `2,000 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """The first names, in order, and the number of the others."""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(name[:_SHOWN_LETTERS] for name in islice(names, _SHOWN_NAMES)) + more


def without_secret(text: str, secret: str) -> str:
    """The text without a secret, as it is, as Python quotes it, or as it is in a URL."""
    if not secret:
        return text
    forms = {secret, repr(secret)[1:-1], quote(secret), quote(secret, safe=""), quote_plus(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def without_secrets(value: Any) -> Any:
    """Remove user and password from every URI in a value, and MongoDB URIs altogether."""
    if isinstance(value, str):
        if "://" not in value:
            return value
        without_mongodb = _MONGODB_URI.sub(r"\1***", value)
        return _S3_USER_INFO.sub(r"\1***@", _USER_INFO.sub(r"\1***@", without_mongodb))
    if isinstance(value, dict):
        return {without_secrets(key): without_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_secrets(item) for item in value]
    return value


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"
