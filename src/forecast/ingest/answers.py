"""The meaning of a response: its records, or one of the network's refusals."""

from __future__ import annotations

import codecs
from typing import Any, Final, NamedTuple

import msgspec

from forecast.core.text import escaped
from forecast.ingest.faults import DeniedError, UnusableAnswerError, WindowError
from forecast.ingest.secret import Key
from forecast.ingest.transport import Response
from forecast.networks.fetch import EACH, Fetch, Meaning, Refusal

_SHOWN_LETTERS: Final = 160
# An answer with 100 station-days is 5 MB of JSON and would be 50 MB of dictionaries: it stays text, and only one record
# at a time is decoded.
_Members = dict[str, msgspec.Raw]
_MEMBERS: Final = msgspec.json.Decoder(_Members)
_ENTRIES: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIELDS: Final = msgspec.json.Decoder(dict[str, Any])


class Record(NamedTuple):
    """A record of an answer: its station and time as given there, and its JSON."""

    station: object
    time: object
    json: msgspec.Raw

    @property
    def line(self) -> str:
        """The record as JSON on one line, independent of the white space in the answer."""
        return msgspec.json.encode(_FIELDS.decode(self.json)).decode()


class Page(NamedTuple):
    """The records of an answer, and how many the API has for the request, if the answer says so."""

    records: list[Record]
    matched: int | None


class BrokenAnswerError(Exception):
    """An answer that may succeed on another attempt; the message says what was received."""


class _NoRecordsError(Exception):
    """A document does not have its records in the expected place."""


class TooManyCallsError(Exception):
    """The network says that there were too many calls."""


def page_of(fetch: Fetch, response: Response, key: Key) -> Page:
    """The records in an answer; empty if it says that there are none.

    Raises DeniedError and WindowError for the refusals with that meaning, TooManyCallsError if there were too many
    calls, and BrokenAnswerError if another attempt may succeed.
    """
    document = _document(response)
    members = _MEMBERS.decode(document) if document is not None and _begins(document) == b"{" else None
    for refusal in fetch.refusals:
        if _is(refusal, response, members):
            return Page(_refused(fetch, refusal, response, key), 0)
    shown = _shown(response, key)
    check_status(response, shown)
    if document is None or _begins(document) != (b"[" if fetch.records[0] == EACH else b"{"):
        raise BrokenAnswerError(f"the response is not a JSON document{shown}")
    try:
        found = [_record(fetch, text) for text in _selected(document, fetch.records)]
    except _NoRecordsError as error:
        raise UnusableAnswerError("no_records", f"the response has no records at {_path(fetch)}{shown}") from error
    except (ValueError, RecursionError) as error:
        raise BrokenAnswerError(f"the response is not a JSON document{shown}") from error
    if fetch.most_records is not None and len(found) >= fetch.most_records:
        raise UnusableAnswerError(
            "cut_off", f"the response has {len(found)} records, the most that the API gives: others may be missing"
        )
    if found and members is not None:
        _check_units(fetch, members)
    return Page(found, _matched(fetch, members))


def check_status(response: Response, shown: str = "") -> None:
    """Raise BrokenAnswerError for a status after which another attempt may succeed, WindowError for any other.

    `shown` is the beginning of the response.
    """
    if response.status >= 500 or response.status == 408:  # noqa: PLR2004  as RFC 9110 names them
        raise BrokenAnswerError(f"it answered {response.status}{shown}")
    if response.status != 200:  # noqa: PLR2004
        raise WindowError("refused", f"it answered {response.status}{shown}")


def _matched(fetch: Fetch, members: _Members | None) -> int | None:
    """How many records there are. Raises WindowError if a paged API does not say so."""
    if fetch.pages is None:
        return None
    matched = _value(members or {}, fetch.pages.matched)
    if not isinstance(matched, int):
        raise UnusableAnswerError(
            "no_count", f'the response does not say in "{fetch.pages.matched}" how many records there are'
        )
    return matched


def _document(response: Response) -> msgspec.Raw | None:
    """The JSON document in an answer; None if it is not one."""
    try:
        return msgspec.json.decode(response.body.removeprefix(codecs.BOM_UTF8), type=msgspec.Raw)
    except (ValueError, RecursionError):
        return None


def _value(members: _Members, name: str) -> Any:
    """A member of a document; None if it is missing or not JSON."""
    try:
        return msgspec.json.decode(members[name]) if name in members else None
    except (ValueError, RecursionError):
        return None


def _is(refusal: Refusal, response: Response, members: _Members | None) -> bool:
    if response.status not in refusal.statuses:
        return False
    if refusal.contains and refusal.contains not in response.beginning.casefold():
        return False
    if refusal.has and not (members and _value(members, refusal.has)):
        return False
    if refusal.lacks and (members is None or refusal.lacks in members):
        return False
    if refusal.differs is not None:
        name, value = refusal.differs
        return members is not None and _value(members, name) != value
    return True


def _refused(fetch: Fetch, refusal: Refusal, response: Response, key: Key) -> list[Record]:
    says = f"{refusal.says}{_shown(response, key)}"
    if refusal.meaning is Meaning.DENIED:
        advice = f"; check {fetch.key_setting}" if fetch.key_setting else ""
        raise DeniedError(f"{fetch.network}: {says}{advice}")
    if refusal.meaning is Meaning.REFUSED:
        raise WindowError("refused", says)
    if refusal.meaning is Meaning.QUOTA:
        raise TooManyCallsError(says)
    return []


def _selected(document: msgspec.Raw, path: tuple[str, ...]) -> list[msgspec.Raw]:
    """The values at the end of a path. Raises _NoRecordsError if it leads nowhere."""
    texts = [document]
    for step in path:
        texts = [inner for text in texts for inner in _inside(text, step)]
    return texts


def _inside(value: msgspec.Raw, step: str) -> list[msgspec.Raw]:
    if step == EACH and _begins(value) == b"[":
        return _ENTRIES.decode(value)
    if _begins(value) != b"{":
        raise _NoRecordsError
    members = _MEMBERS.decode(value)
    if step == EACH:
        # Names that begin with an underscore are not stations: "_params" lists the fields.
        return [text for name, text in members.items() if not name.startswith("_")]
    if step not in members:
        raise _NoRecordsError
    return [members[step]]


def _begins(value: msgspec.Raw) -> bytes:
    return bytes(memoryview(value)[:1])


def _record(fetch: Fetch, text: msgspec.Raw) -> Record:
    if _begins(text) != b"{":
        raise _NoRecordsError
    fields = _FIELDS.decode(text)
    return Record(fields.get(fetch.station_field), fields.get(fetch.time_field), text)


def _check_units(fetch: Fetch, members: _Members) -> None:
    """Raise WindowError if the document's metadata does not give the expected units for its numbers.

    Only the records go to the raw zone, without the metadata, so nobody could find out later.
    """
    if not fetch.units:
        return
    metadata = _value(members, "metadata")
    if not isinstance(metadata, dict):
        raise UnusableAnswerError(
            "units_unknown", 'the document has no "metadata", which names the units of its numbers'
        )
    other = [
        f"{name} in {named!r} instead of {unit!r}"
        for name, unit in fetch.units
        if isinstance(text := metadata.get(name), str)
        and (named := escaped(text.rpartition(",")[2].strip())[:_SHOWN_LETTERS]).casefold() != unit.casefold()
    ]
    if other:
        raise UnusableAnswerError(
            "changed_unit",
            f"the document's units differ from the expected ones: {', '.join(other)}",
        )


def _shown(response: Response, key: Key) -> str:
    text = key.removed_from(response.beginning).strip()
    short = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
    return f": {escaped(short)}" if short else ""


def _path(fetch: Fetch) -> str:
    return ".".join(fetch.records)
