"""Text of others, made fit to be shown: names and cells can hold what a terminal obeys, or forge a line."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from itertools import islice
from typing import Final

_SHOWN_NAMES: Final = 12
_SHOWN_LETTERS: Final = 40


def escaped(text: str) -> str:
    r"""The text on one line, with JSON's escapes for what is not to be seen.

    Escaped are control characters (C0, C1), line and paragraph separators, what turns the direction of writing, and
    halves of surrogate pairs: "\n", "\u009b", "\u202e". Letters of every script and blanks of every width stay.
    """
    if text.isprintable():
        return text
    return "".join(letter if _is_harmless(letter) else json.dumps(letter)[1:-1] for letter in text)


def escaped_lines(text: str) -> str:
    """The same of a text whose line breaks are our own."""
    return "\n".join(escaped(line) for line in text.split("\n"))


def listed(names: Sequence[str]) -> str:
    """The first names in their order, and how many more there are."""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return ", ".join(name[:_SHOWN_LETTERS] for name in islice(names, _SHOWN_NAMES)) + more


def _is_harmless(letter: str) -> bool:
    # A no-break space is "not printable" to Python, and stands in half of all cells.
    return letter.isprintable() or unicodedata.category(letter) == "Zs"
