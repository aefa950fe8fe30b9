"""The display of states: a word, a glyph and a colour with the same meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StateMark:
    """`kind` is a class of the stylesheet: good, warn, bad, mute, note or missed."""

    kind: str
    glyph: str
    word: str


RUN_MARKS: Final = {
    "success": StateMark("good", "✓", "success"),
    "partial": StateMark("warn", "!", "partial"),
    "failed": StateMark("bad", "✕", "failed"),
    "died": StateMark("bad", "†", "did not finish"),
    "interrupted": StateMark("warn", "‖", "interrupted"),
    "running": StateMark("mute", "▸", "running"),
    "missed": StateMark("missed", "·", "no run"),
}
STATION_MARKS: Final = {
    "silent": StateMark("bad", "✕", "silent"),
    "suspect": StateMark("warn", "▲", "suspect"),
    "late": StateMark("warn", "◐", "late"),
    "never": StateMark("mute", "○", "never sent"),
    "undelivered": StateMark("mute", "·", "not delivered"),
    "unregistered": StateMark("warn", "?", "not in the registry"),
    "unknown": StateMark("mute", "?", "unknown"),
    "fresh": StateMark("good", "●", "fresh"),
}
_ORDER: Final = {state: place for place, state in enumerate(STATION_MARKS)}
SEVERITY_MARKS: Final = {
    "error": StateMark("bad", "✕", "error"),
    "warning": StateMark("warn", "!", "warning"),
    "info": StateMark("note", "i", "note"),
}
SLO_MARKS: Final = {
    True: StateMark("good", "✓", "met"),
    False: StateMark("bad", "✕", "missed"),
    None: StateMark("mute", "?", "not measured"),
}
FLAG_MARKS: Final = {3: StateMark("warn", "◆", "3 suspect"), 4: StateMark("bad", "✕", "4 fail")}


def run_mark(status: str) -> StateMark:
    """The mark for how a run ended."""
    return RUN_MARKS.get(status, StateMark("mute", "?", status))


def station_mark(state: str) -> StateMark:
    """The mark for a station's state."""
    return STATION_MARKS.get(state, STATION_MARKS["unknown"])


def order_of(state: str) -> int:
    """A sort key that puts the worst state first."""
    return _ORDER.get(state, len(_ORDER))
