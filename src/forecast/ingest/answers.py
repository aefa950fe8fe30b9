"""What an answer means: its records, or which of the network's refusals it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Self

from forecast.core.text import escaped
from forecast.ingest.faults import DeniedError, UnusableAnswerError, WindowError
from forecast.ingest.secret import Key
from forecast.ingest.transport import Response
from forecast.networks.fetch import EACH, Fetch, Meaning, Refusal

_SHOWN_LETTERS: Final = 160

Document = dict[str, Any]


class Record(NamedTuple):
    """A record: its station and time, as they stand in it, and the whole as JSON on one line."""

    station: Any
    time: Any
    data: str

    @classmethod
    def of(cls, fetch: Fetch, fields: Document) -> Self:
        """The record that has these fields."""
        data = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return cls(fields.get(fetch.station_field), fields.get(fetch.time_field), data)


class BrokenAnswerError(Exception):
    """An answer that may be another one in a moment; the text says what came."""


class TooManyCallsError(Exception):
    """The network says that it was asked too often."""


def records_of(fetch: Fetch, response: Response, key: Key) -> list[Record]:
    """The records of an answer; none where it says that there are none.

    Raises DeniedError and WindowError for the refusals that mean that, TooManyCallsError where it was asked too often,
    and BrokenAnswerError for what asking again may mend.
    """
    document = _document(fetch, response)
    for refusal in fetch.refusals:
        if _is(refusal, response, document):
            return _refused(fetch, refusal, response, key)
    shown = _shown(response, key)
    if response.status >= 500 or response.status == 408:  # noqa: PLR2004  as RFC 9110 names them
        raise BrokenAnswerError(f"it answered {response.status}{shown}")
    if response.status != 200:  # noqa: PLR2004
        raise WindowError("refused", f"it answered {response.status}{shown}")
    if not isinstance(document, list if fetch.records[0] == EACH else dict):
        raise BrokenAnswerError(f"the answer is not a JSON document{shown}")
    try:
        found = list(_selected(fetch, document, fetch.records))
    except (KeyError, TypeError) as error:
        raise UnusableAnswerError(
            "no_records", f"the answer does not hold its records in {_way(fetch)}{shown}"
        ) from error
    if fetch.most_records is not None and len(found) >= fetch.most_records:
        raise UnusableAnswerError(
            "cut_off", f"the answer has {len(found)} records, the most that the API gives: others may be missing"
        )
    if found and isinstance(document, dict):
        _check_units(fetch, document)
    return found


def _document(fetch: Fetch, response: Response) -> Any:
    """The JSON of an answer, None where it is none.

    Records are made to text while it is parsed: as objects, those of 100 station-days would take 17 MB.
    """

    def compact(pairs: list[tuple[str, Any]]) -> Document | Record:
        fields = dict(pairs)
        is_record = fetch.station_field in fields and fetch.time_field in fields
        return Record.of(fetch, fields) if is_record else fields

    body = response.take_body()
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        del body
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=compact)
    except (ValueError, RecursionError):
        return None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is(refusal: Refusal, response: Response, document: Any) -> bool:
    if response.status not in refusal.statuses:
        return False
    fields = document if isinstance(document, dict) else None
    if refusal.contains and refusal.contains not in response.beginning.casefold():
        return False
    if refusal.has and not (fields and fields.get(refusal.has)):
        return False
    if refusal.lacks and (fields is None or refusal.lacks in fields):
        return False
    if refusal.differs is not None:
        name, value = refusal.differs
        return fields is not None and fields.get(name) != value
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


def _selected(fetch: Fetch, value: Any, way: tuple[str, ...]) -> Iterator[Record]:
    if not way:
        if not isinstance(value, Record | dict):
            raise TypeError("no record")
        yield value if isinstance(value, Record) else Record.of(fetch, value)
    elif way[0] != EACH:
        yield from _selected(fetch, value[way[0]], way[1:])
    elif isinstance(value, dict):
        # A name that begins so is no station's: "_params" lists the fields.
        for name, member in value.items():
            if not name.startswith("_"):
                yield from _selected(fetch, member, way[1:])
    elif isinstance(value, list):
        for entry in value:
            yield from _selected(fetch, entry, way[1:])
    else:
        raise TypeError("nothing to go through")


def _check_units(fetch: Fetch, document: Document) -> None:
    """Raise WindowError where the document's metadata does not say what its numbers are read in.

    The records alone go to the raw zone, without the metadata, so nobody could tell later.
    """
    if not fetch.units:
        return
    metadata = document.get("metadata")
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
            "changed_unit", f"the document names other units than its numbers are read in: {', '.join(other)}"
        )


def _shown(response: Response, key: Key) -> str:
    text = key.removed_from(response.beginning).strip()
    short = text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"
    return f": {escaped(short)}" if short else ""


def _way(fetch: Fetch) -> str:
    return ".".join(fetch.records)
