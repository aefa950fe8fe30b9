"""Objects whose structure and types were tampered with: every seed is one, the same every time.

A made-up object starts as a few good rows of one layout, is changed up to three times, and is written in one format.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import fastavro
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl.utils.exceptions import IllegalCharacterError

from tests.hostile.independent import BLOCKS, MEMBERS, Reading, reading_of

Row = dict[str, Any]
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "climate": ("jsonl", "array", "document", "csv", "parquet", "avro"),
    "table": ("jsonl", "array", "csv", "parquet", "avro", "workbook"),
    "api": ("jsonl", "array", "document", "csv", "parquet", "avro"),
}
_FOLDERS: Final = {"climate": "infoclimat", "table": "wunderground/ITESTB25", "api": "wunderground"}
_DAY: Final = date(2024, 10, 2)
_EXTRACTED: Final = datetime(2024, 10, 5, 3, tzinfo=UTC)
_EXOTIC: Final[Sequence[Any]] = (
    None, "", " ", True, False, 0, -1, -0.0, 12345678901234567890123, 1e308, float("nan"), float("inf"),
    Decimal("7.6"), Decimal("1e-30"), "NaN", "null", "-", "--", "\udc00", "a\ud800b", "\x00", "7,6", "7.6 °C", "٧٫٦",
    "９", "7.6 furlongs", "1e3", "0x1f", "+7.6", "7.6.", [], [1], {}, {"a": 1}, {"$gt": ""}, b"\xff\xfe", b"7.6",
    date(2024, 10, 2), datetime(2024, 10, 2, 1, 5), datetime(2024, 10, 2, 1, 5, tzinfo=UTC), time(1, 5),
    timedelta(hours=1), "2024-10-02", "é" * 500, "9" * 40, "\u202e7.6", "#N/A", "=1+1", "{", "[1]", '{"temp": 1}',
)  # fmt: skip
_KEYS: Final = (
    "", " ", "\udc00", "\x00", "$where", "a.b", "__proto__", "x" * 300, "temperature ", "TIME", "\u202e", "a\nb", "_id",
    "_airbyte_x", "hourly", "observations", "errors", "status",
)  # fmt: skip
_STAMPS: Final = (
    "_airbyte_extracted_at",
    "_airbyte_emitted_at",
    "_airbyte_generation_id",
    "_airbyte_meta",
    "_airbyte_raw_id",
)
_MILLIS: Final = int(_EXTRACTED.timestamp()) * 1000
# Of every Arrow type, something that it can hold.
_ARROW: Final[Sequence[tuple[pa.DataType, Any]]] = (
    (pa.null(), None), (pa.bool_(), True), (pa.int8(), 7), (pa.int16(), 7), (pa.int32(), 7), (pa.int64(), _MILLIS),
    (pa.int64(), -(2**63)), (pa.uint8(), 7), (pa.uint16(), 7), (pa.uint32(), 7), (pa.uint64(), 2**64 - 1),
    (pa.float16(), np.float16(7.5)), (pa.float32(), 7.6), (pa.float64(), float("nan")), (pa.float64(), 1e300),
    (pa.decimal128(38, 0), Decimal(12345678901234567890)), (pa.decimal128(5, 2), Decimal("7.60")),
    (pa.decimal256(76, 0), Decimal(10**60)), (pa.string(), "9" * 25), (pa.large_string(), "2024-10-05T03:00:00Z"),
    (pa.string_view(), "x"), (pa.binary(), b"\xff\xfe\x00"), (pa.large_binary(), b"7.6"),
    (pa.binary_view(), b"\xed\xa0\x80"),
    (pa.binary(16), b"0123456789abcdef"), (pa.date32(), date(2024, 10, 5)), (pa.date64(), date(2024, 10, 5)),
    (pa.timestamp("s"), _EXTRACTED.replace(tzinfo=None)), (pa.timestamp("ms", "UTC"), _EXTRACTED),
    (pa.timestamp("us", "Europe/Paris"), _EXTRACTED), (pa.timestamp("ns", "+02:00"), _EXTRACTED),
    (pa.timestamp("s"), 10**13), (pa.timestamp("ms"), -(10**17)), (pa.timestamp("us", "UTC"), 2**63 - 1),
    (pa.time32("s"), time(1, 5)), (pa.time32("ms"), time(1, 5)),
    (pa.time64("us"), time(1, 5)), (pa.time64("ns"), time(1, 5)),
    (pa.duration("s"), timedelta(hours=30)), (pa.duration("ns"), timedelta(hours=1)),
    (pa.list_(pa.int64()), [1, 2]), (pa.large_list(pa.string()), ["x"]), (pa.list_(pa.float64(), 2), [1.0, 2.0]),
    (pa.struct([("sync_id", pa.int64()), ("changes", pa.list_(pa.string()))]), {"sync_id": 7, "changes": []}),
    (pa.struct([("a", pa.struct([("b", pa.date32())]))]), {"a": {"b": date(2024, 10, 5)}}),
    (pa.map_(pa.string(), pa.int64()), [("sync_id", 7)]), (pa.dictionary(pa.int8(), pa.string()), "7.6"),
    (pa.dictionary(pa.int32(), pa.binary()), b"\xff"),
)  # fmt: skip
_AVRO: Final[Sequence[tuple[Any, Any]]] = (
    ("null", None), ("boolean", True), ("int", 7), ("long", _MILLIS), ("float", 7.6), ("double", 7.6),
    ("bytes", b"\xff\xfe"), ("string", "9" * 25),
    ({"type": "int", "logicalType": "date"}, date(2024, 10, 5)),
    ({"type": "int", "logicalType": "time-millis"}, time(1, 5)),
    ({"type": "long", "logicalType": "time-micros"}, time(1, 5)),
    ({"type": "long", "logicalType": "timestamp-millis"}, _EXTRACTED),
    ({"type": "long", "logicalType": "timestamp-micros"}, _EXTRACTED),
    ({"type": "long", "logicalType": "local-timestamp-millis"}, _EXTRACTED.replace(tzinfo=None)),
    ({"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 0}, Decimal(12345678901234567890)),
    ({"type": "fixed", "name": "f", "size": 4}, b"\xff\x00\x01\x02"),
    ({"type": "enum", "name": "e", "symbols": ["A", "B"]}, "A"),
    ({"type": "array", "items": "long"}, [1, 2]), ({"type": "map", "values": "long"}, {"sync_id": 7}),
    ({"type": "record", "name": "r", "fields": [{"name": "a", "type": "long"}]}, {"a": 1}),
)  # fmt: skip


@dataclass
class MadeUp:
    """One made-up object; `harmless` where nothing was done to it that any row may be rejected for."""

    seed: int
    layout: str
    kind: str
    rows: list[Any]
    chance: random.Random
    envelope: str = "none"
    harmless: bool = True
    story: list[str] = field(default_factory=list)
    # Columns of a declared type, in a format that has types.
    typed: dict[str, Any] = field(default_factory=dict)
    # What stands where a document's rows belong, by the number of its line.
    containers: dict[int, Any] = field(default_factory=dict)
    raw_letters: bool = False
    packed: bool = False
    content: bytes = b""

    @property
    def key(self) -> str:
        return f"{_FOLDERS[self.layout]}/{self.seed}.{self.kind}"

    def told(self) -> str:
        return f"seed {self.seed}: {self.kind} of {self.layout} rows, envelope {self.envelope}: {'; '.join(self.story)}"

    def row(self) -> Row:
        """Some row that is one."""
        rows = [row for row in self.rows if isinstance(row, dict)]
        return self.chance.choice(rows) if rows else {}

    def readings(self) -> list[Reading] | None:
        """The rows as the finished object holds them, read independently; None where it cannot be read plainly."""
        try:
            rows, sheet = _READERS[self.kind](self.content), _DAY if self.kind == "workbook" else None
        except (ValueError, KeyError, OverflowError, pa.ArrowException, RecursionError):
            return None
        return [reading_of(row, self.layout, sheet) for row in rows if isinstance(row, dict)]


def made_up(seed: int) -> MadeUp:
    """The object of this seed."""
    chance = random.Random(seed)
    layout = chance.choice(list(KINDS))
    made = MadeUp(seed, layout, chance.choice(KINDS[layout]), [], chance)
    made.rows = [_good_row(layout, minute, chance) for minute in range(0, 5 * chance.randint(2, 7), 5)]
    if made.kind not in {"workbook", "array"}:
        made.envelope = chance.choice(["none", "nested", "text", "flat"])
    made.packed = chance.random() < 0.1
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        chance.choice(_CHANGES)(made)
    made.content = _WRITERS[made.kind](made)
    if made.packed:
        made.story.append("packed with gzip")
    return made


def as_delivered(made: MadeUp) -> bytes:
    """The bytes of the object in the raw zone."""
    return gzip.compress(made.content, 1, mtime=0) if made.packed else made.content


# Good rows: every value is one that no check or limit could be in the way of.


def _good_row(layout: str, minute: int, chance: random.Random) -> Row:
    def number(low: float, high: float) -> float:
        return round(chance.uniform(low, high), 1)

    if layout == "climate":
        return {
            "id_station": "07915",
            "dh_utc": f"{_DAY} 0{1 + minute // 60}:{minute % 60:02}:00",
            "temperature": str(number(1, 25)),
            "point_de_rosee": str(number(-2, 20)),
            "humidite": str(chance.randint(30, 95)),
            "pression": str(number(995, 1025)),
            "vent_moyen": str(number(1, 40)),
            "pluie_1h": str(number(0, 3)),
        }
    if layout == "table":
        return {
            "Date": str(_DAY),
            "Time": f"06:{minute % 60:02}:00",
            "Temperature": f"{number(40, 75)}\u00a0°F",
            "Dew Point": f"{number(30, 60)}\u00a0°F",
            "Humidity": f"{chance.randint(30, 95)}\u00a0%",
            "Pressure": f"{round(chance.uniform(29.5, 30.1), 2)}\u00a0in",
            "Speed": f"{number(1, 25)}\u00a0mph",
            "Precip. Accum.": f"{round(chance.uniform(0, 0.6), 2)}\u00a0in",
            "Wind": chance.choice(["NNE", "SSW", "WNW", "ESE"]),
        }
    moment = datetime.combine(_DAY, time(6, minute % 60), UTC)
    name = chance.choice(list(BLOCKS))
    return {
        "stationID": "ITESTB25",
        "obsTimeUtc": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "epoch": int(moment.timestamp()),
        "humidity": chance.randint(30, 95),
        "winddir": chance.randint(1, 359),
        name: _block(name, chance),
    }


def _block(name: str, chance: random.Random) -> Row:
    imperial = name == "imperial"
    ranges = {
        "temp": (40, 75) if imperial else (2, 25),
        "dewpt": (30, 60) if imperial else (-2, 18),
        "windSpeed": (1, 12),
        "pressure": (29.5, 30.1) if imperial else (995, 1025),
        "precipTotal": (0, 0.6) if imperial else (0, 15),
    }
    return {member: round(chance.uniform(*ranges[member]), 2) for member in MEMBERS}


# What is done to an object. Each tells itself, and whether rows may be rejected for it.


def _exotic_cell(made: MadeUp) -> None:
    row = made.row()
    if row:
        name, cell = made.chance.choice(list(row)), made.chance.choice(_EXOTIC)
        row[name] = cell
        made.harmless = False
        made.story.append(f"{name} is {cell!r:.30}")


def _exotic_column(made: MadeUp) -> None:
    name, cell = made.chance.choice(list(made.row() or {"x": 0})), made.chance.choice(_EXOTIC)
    for row in made.rows:
        if isinstance(row, dict):
            row[name] = cell
    made.harmless = False
    made.story.append(f"every {name} is {cell!r:.30}")


def _missing_cells(made: MadeUp) -> None:
    name = made.chance.choice(list(made.row() or {"x": 0}))
    some = made.chance.random() < 0.5
    for row in made.rows:
        if isinstance(row, dict) and (not some or made.chance.random() < 0.5):
            row.pop(name, None)
    made.harmless = False
    made.story.append(f"{name} is missing in {'some rows' if some else 'all rows'}")


def _strange_key(made: MadeUp) -> None:
    row = made.row()
    key = made.chance.choice(_KEYS)
    row[key] = made.chance.choice(_EXOTIC)
    made.harmless = False
    made.story.append(f"a key {key[:12]!r} that holds {row[key]!r:.30}")


def _blocks(made: MadeUp) -> None:
    """Unit blocks: null, absent, of another kind, two that agree or not; from row to row."""
    what = made.chance.choice(["null beside", "empty beside", "strange", "contradicting", "strange for all"])
    rows = [row for row in made.rows if isinstance(row, dict)]
    for row in rows if what in {"null beside", "empty beside", "strange for all"} else rows[:1]:
        name = made.chance.choice(list(BLOCKS))
        if what == "null beside":
            row.update({other: None for other in BLOCKS if other not in row})
        elif what == "empty beside":
            row.setdefault(name, dict.fromkeys(MEMBERS))
        elif what == "contradicting":
            row[name] = _block(name, made.chance)
        else:
            row[name] = made.chance.choice(
                [None, {}, [], [1], "x", "", 5, True, {"temp": {"v": 1}}, {"temp": "\udc00"}]
            )
    made.harmless &= what in {"null beside", "empty beside"} and made.layout == "api"
    made.story.append(f"a unit block {what}")


def _two_times(made: MadeUp) -> None:
    row = made.row()
    if made.layout == "api" and isinstance(row.get("epoch"), int):
        row["epoch"] += made.chance.choice([2, 60, 3600, -86400, 10**9])
        made.harmless = False
        made.story.append("an epoch that is not the row's time")


def _repeated_rows(made: MadeUp) -> None:
    what = made.chance.choice(["one twice", "all twice", "shuffled", "reversed"])
    if what == "one twice":
        made.rows.append(made.chance.choice(made.rows))
    elif what == "all twice":
        made.rows += list(made.rows)
    elif what == "shuffled":
        made.chance.shuffle(made.rows)
    else:
        made.rows.reverse()
    made.story.append(f"rows {what}")


def _shifted_cells(made: MadeUp) -> None:
    row = made.row()
    cells = list(row.values())
    step = made.chance.choice([1, -1, 2])
    row.update(zip(row, cells[step:] + cells[:step], strict=True))
    made.harmless = False
    made.story.append(f"the cells of a row stand {step} columns beside theirs")


def _no_row(made: MadeUp) -> None:
    if made.kind in {"jsonl", "array", "document"}:
        item: Any = made.chance.choice([None, 5, "x", [], [1], {}, True, "\udc00", [{}]])
        made.rows.insert(made.chance.randrange(len(made.rows) + 1), item)
        made.harmless = False
        made.story.append(f"among the rows stands {item!r}")


def _typed_column(made: MadeUp) -> None:
    if made.kind not in {"parquet", "avro"}:
        return
    if made.envelope != "none" and made.chance.random() < 0.7:
        name = made.chance.choice(_STAMPS)
    else:
        name = made.chance.choice([*made.row(), "_airbyte_data"])
    made.typed[name] = made.chance.choice(_ARROW if made.kind == "parquet" else _AVRO)
    made.harmless = False
    made.story.append(f"{name} is declared {made.typed[name]!r:.60}")


def _strange_envelope(made: MadeUp) -> None:
    if made.envelope == "none":
        return
    name, cell = (
        made.chance.choice(_STAMPS),
        made.chance.choice([*_EXOTIC, 2**63 - 1, -1, "9999-12-31T00:00:00Z", 253402300800000]),
    )
    for row in made.rows if made.chance.random() < 0.5 else [made.row()]:
        if isinstance(row, dict):
            row[f"envelope {name}"] = cell
    made.harmless = False
    made.story.append(f"{name} of the envelope is {cell!r:.30}")


def _strange_container(made: MadeUp) -> None:
    if made.kind == "document":
        container: Any = made.chance.choice([None, "", [], {}, "x", 5, {"07915": None}, {"07915": {}}, [[]], "absent"])
        made.containers[made.chance.randrange(3)] = container
        made.harmless = False
        made.story.append(f"a container of rows is {container!r}")


def _raw_letters(made: MadeUp) -> None:
    made.raw_letters = True
    made.story.append("letters as they are")


_CHANGES: Final[Sequence[Callable[[MadeUp], None]]] = (
    _exotic_cell, _exotic_cell, _exotic_column, _missing_cells, _strange_key, _blocks, _blocks, _two_times,
    _repeated_rows, _shifted_cells, _no_row, _typed_column, _typed_column, _typed_column, _strange_envelope,
    _strange_container, _raw_letters,
)  # fmt: skip


# Writing.


def _as_json(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return cell.decode("latin-1")
    return float(cell) if isinstance(cell, Decimal) else str(cell)


def _json_of(made: MadeUp, value: Any) -> bytes:
    text = json.dumps(value, default=_as_json, ensure_ascii=not made.raw_letters)
    return text.encode("utf-8", "surrogatepass")


def _enveloped(made: MadeUp, row: Any) -> Any:
    """A row in the object's envelope; what was done to the envelope stands in the row under "envelope ..."."""
    if not isinstance(row, dict):
        return row
    own = {name: cell for name, cell in row.items() if not name.startswith("envelope ")}
    if made.envelope == "none":
        return own
    stamps = {
        "_airbyte_raw_id": "019a1839-a419-7a4c-a866-da6515495b69",
        "_airbyte_extracted_at": _MILLIS,
        "_airbyte_meta": {"sync_id": 7, "changes": []},
        "_airbyte_generation_id": 3,
    }
    stamps |= {name.removeprefix("envelope "): cell for name, cell in row.items() if name not in own}
    if made.envelope == "flat":
        return stamps | own
    if made.envelope == "text":
        return stamps | {"_airbyte_data": json.dumps(own, default=_as_json)}
    return stamps | {"_airbyte_data": own}


def _jsonl(made: MadeUp) -> bytes:
    return b"".join(_json_of(made, _enveloped(made, row)) + b"\n" for row in made.rows)


def _array(made: MadeUp) -> bytes:
    return _json_of(made, [_enveloped(made, row) for row in made.rows])


def _documents(made: MadeUp) -> bytes:
    """A line a document: the rows in one, and others where a container was tampered with."""
    lines = []
    for number in sorted({1, *made.containers}):
        rows = [_without_envelope(row) for row in made.rows]
        whole: Row = {"observations": rows} if made.layout == "api" else {"status": "OK", "hourly": {"07915": rows}}
        if number in made.containers:
            name = "observations" if made.layout == "api" else "hourly"
            whole[name] = made.containers[number]
            if whole[name] == "absent":
                del whole[name]
        marks = [row for row in made.rows if isinstance(row, dict) and any(key.startswith("envelope ") for key in row)]
        stamps = {name: cell for row in marks[:1] for name, cell in row.items() if name.startswith("envelope ")}
        envelope = made.envelope if made.envelope != "flat" else "nested"
        lines.append(_json_of(made, _enveloped(MadeUp(0, "", "", [], made.chance, envelope), whole | stamps)))
    return b"\n".join(lines) + b"\n"


def _without_envelope(row: Any) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: cell for name, cell in row.items() if not name.startswith("envelope ")}


def _records(made: MadeUp) -> tuple[list[str], list[Row]]:
    """Names and rows of a table; what is no row has no place in one."""
    rows = [_enveloped(made, row) for row in made.rows if isinstance(row, dict)]
    return list(dict.fromkeys(name for row in rows for name in row)) or ["x"], rows


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    return json.dumps(cell, default=_as_json) if isinstance(cell, dict | list) else str(_plain_text(cell))


def _plain_text(cell: Any) -> Any:
    return cell.decode("latin-1") if isinstance(cell, bytes) else cell


def _csv(made: MadeUp) -> bytes:
    names, rows = _records(made)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([[_cell_text(row.get(name)) for name in names] for row in rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _arrow_texts(cells: Sequence[Any]) -> pa.Array:
    """Texts, also such that are not UTF-8."""
    coded = [None if cell is None else _cell_text(cell).encode("utf-8", "surrogatepass") for cell in cells]
    return pa.array(coded, pa.binary()).view(pa.string())


def _arrow(cells: Sequence[Any], declared: tuple[pa.DataType, Any] | None) -> pa.Array:
    if declared is not None:
        try:
            return pa.array(cells).cast(declared[0])
        except (pa.ArrowException, ValueError, OverflowError, TypeError):
            return _samples(declared, len(cells))
    try:
        return pa.array(cells)
    except (pa.ArrowException, ValueError, OverflowError, TypeError):
        return _arrow_texts(cells)


def _samples(declared: tuple[pa.DataType, Any], number: int) -> pa.Array:
    kind, sample = declared
    if pa.types.is_timestamp(kind) and isinstance(sample, int):
        return pa.array([sample] * number, pa.int64()).view(kind)
    return pa.array([sample] * number, kind)


def _parquet(made: MadeUp) -> bytes:
    names, rows = _records(made)
    names = list(dict.fromkeys([*names, *made.typed]))
    columns = {name: _arrow([row.get(name) for row in rows], made.typed.get(name)) for name in names}
    for lossy in (False, True):
        table = pa.table({
            _plain_name(name): _arrow_texts(cells.to_pylist()) if lossy and pa.types.is_nested(cells.type) else cells
            for name, cells in columns.items()
        })  # fmt: skip
        sink = io.BytesIO()
        try:
            pq.write_table(table, sink)
        except pa.ArrowException:
            continue
        return sink.getvalue()
    # What Parquet has no type for.
    return _csv(made)


def _plain_name(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


_AVRO_KINDS: Final = {bool: "boolean", int: "long", float: "double", str: "string", bytes: "bytes"}


def _avro_cell(cell: Any) -> Any:
    if cell is None or (type(cell) in _AVRO_KINDS and not (isinstance(cell, int) and abs(cell) >= 2**63)):
        return cell.encode("utf-8", "replace").decode() if isinstance(cell, str) else cell
    return _cell_text(cell).encode("utf-8", "replace").decode()


def _avro(made: MadeUp) -> bytes:
    names, rows = _records(made)
    names = list(dict.fromkeys([*names, *made.typed]))
    places = {name: f"c{number}" if not name.isidentifier() or not name.isascii() else name
              for number, name in enumerate(names)}  # fmt: skip
    plain = ["null", "boolean", "long", "double", "string", "bytes"]
    fields = [{"name": places[name], "type": made.typed[name][0] if name in made.typed else plain} for name in names]
    records = [
        {places[name]: made.typed[name][1] if name in made.typed else _avro_cell(row.get(name)) for name in names}
        for row in rows
    ]
    sink = io.BytesIO()
    fastavro.writer(sink, {"type": "record", "name": "row", "fields": fields}, records)
    return sink.getvalue()


def _workbook(made: MadeUp) -> bytes:
    names, rows = _records(made)
    names = [name for name in names if name != "Date"]
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = f"{_DAY:%d%m%y}"
    sheet.append([_sheet_cell(name) for name in names])
    for row in rows:
        sheet.append([_sheet_cell(row.get(name)) for name in names])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _sheet_cell(cell: Any) -> Any:
    plain = cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
    try:
        openpyxl.Workbook().worksheets[0]["A1"] = plain
    except (ValueError, IllegalCharacterError, OverflowError):
        plain = ascii(cell)
    if isinstance(plain, str):
        return plain.encode("utf-8", "replace").decode()
    return plain if not isinstance(plain, float) or np.isfinite(plain) else str(plain)


_WRITERS: Final[Mapping[str, Callable[[MadeUp], bytes]]] = {
    "jsonl": _jsonl, "array": _array, "document": _documents, "csv": _csv, "parquet": _parquet, "avro": _avro,
    "workbook": _workbook,
}  # fmt: skip


# Reading, with the plainest reader of each format.


def _lines_of(content: bytes) -> list[Any]:
    return [json.loads(line) for line in content.decode().split("\n") if line]


def _rows_of_documents(content: bytes) -> list[Any]:
    rows = []
    for line in _lines_of(content):
        inner = line.get("_airbyte_data", line)
        inner = json.loads(inner) if isinstance(inner, str) else inner
        for container in (inner.get("observations"), *(_values_of(inner.get("hourly")))):
            rows += container if isinstance(container, list) else []
    return rows


def _values_of(container: Any) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else []


def _rows_of_workbook(content: bytes) -> list[Any]:
    names, *rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _rows_of_table(content: bytes) -> list[Any]:
    return [
        {name: cell or None for name, cell in row.items()}
        for row in csv.DictReader(io.StringIO(content.decode(), newline=""))
    ]


def _rows_of_parquet(content: bytes) -> list[Any]:
    if not content.startswith(b"PAR1"):
        return _rows_of_table(content)
    rows: list[Any] = pq.read_table(io.BytesIO(content)).to_pylist()
    return rows


_READERS: Final[Mapping[str, Callable[[bytes], list[Any]]]] = {
    "jsonl": _lines_of, "array": json.loads, "document": _rows_of_documents, "csv": _rows_of_table,
    "parquet": _rows_of_parquet, "avro": lambda content: list(fastavro.reader(io.BytesIO(content))),
    "workbook": _rows_of_workbook,
}  # fmt: skip
