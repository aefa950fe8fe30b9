"""Generates everything in the documentation that repeats the program's own tables: `make docs`.

These are docs/parameters.md and docs/networks.md; the tables of docs/quality.md, docs/reports.md and docs/stations.md;
the reference in docs/api.md; `.env.example` and the user guide's table of settings; the JSON Schemas of the reports and
of the station registry; the parameters in the documents' schema; the datasets' tables for DuckDB, Athena and Glue.
"""

from __future__ import annotations

import importlib
import inspect
import json
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import msgspec

import forecast
from forecast.core.format_version import FORMAT_KEY, FORMAT_VERSION
from forecast.core.parameters import MEASURED_NAMES, PARAMETERS, Quantity
from forecast.core.registry_faults import FIELDS, REQUIRED, SCHEMA_FILE, takes
from forecast.core.registry_files import NO_DEFAULTS, OWN_FIELDS
from forecast.core.setting import Group, Setting
from forecast.core.settings import AWS_SETTINGS, SETTINGS
from forecast.core.stations import Station
from forecast.networks.file_fetch import FileFetch
from forecast.networks.model import Field, Layout, UtcTime
from forecast.networks.registry import NETWORKS, Networks
from forecast.networks.source import Source
from forecast.qc.registry import CHECKS, MAX_OVERRIDE, THRESHOLDS
from forecast.qc.thresholds import Threshold
from forecast.reader import api
from forecast.report.models.every import REPORTS
from forecast.report.models.schema import documented_fields, json_schema
from forecast.report.write import SCHEMAS_FOLDER
from forecast.transform.unit_gate import ON_EARTH
from forecast.transform.values.units import UNITS, Unit
from forecast.zone.ddl import athena_sql, duckdb_sql, glue_tables

DOCS = Path(__file__).parent
TARGET = DOCS / "parameters.md"
NETWORKS_PAGE = DOCS / "networks.md"
QUALITY = DOCS / "quality.md"
REPORTS_PAGE = DOCS / "reports.md"
GUIDE = DOCS / "user-guide.md"
API_PAGE = DOCS / "api.md"
STATIONS = DOCS / "stations.md"
ENV_EXAMPLE = DOCS.parent / ".env.example"
MONGODB_SCHEMA = DOCS.parent / "src" / "config" / "mongodb_schema.json"
# The experiments are made with the published files, which are beside the project and not in it.
DATA = DOCS.parents[1] / "shared" / "data"

_INTRODUCTION = """\
# Parameters

Made by `docs/generate.py` from `src/forecast/core/parameters.py` and `src/forecast/transform/values/units.py`.
Do not edit it by hand.

Names are CF standard names, with the period where one belongs. Every parameter is kept in one unit. A missing value is
an absent key in MongoDB and a null in Parquet, and never a number that stands for "missing".

What each network calls them, and in which unit it gives them, is on the page of the [networks](networks.md).
"""

_NETWORKS_INTRODUCTION = """\
# Networks

Made by `docs/generate.py` from the packages in `src/forecast/networks/`. Do not edit it by hand.

A network is one package; [adding a network](adding-a-network.md) says how to write one. Field names are compared
without regard to case, spaces and punctuation: "Precip. Rate." is `preciprate`. If several fields hold a parameter, the
first one with a value in the row is used. If a cell names a unit, its value is converted from that unit, whatever the
field's unit is.
"""
# The types that signatures name.
_API_TYPES = ("Source", "Moment", "Box", "Flags", "Frequency")
_OF_KEY = {True: "; if a row names none, the one whose `raw_prefixes` the object's key begins with", False: ""}
_UNIT = {True: "in the cell or the name of the column", False: "of its object"}

_UNITS_INTRODUCTION = """\
## Units that are accepted

A value is converted from the unit that its own cell names. A number without a unit has the unit that its source
documents; where the source documents none, the value is left out and noted in `data_quality.parse_issues`. Case and
blanks do not matter. No result is rounded.
"""

_GATES_INTRODUCTION = """\
## Units that are named wrongly

An object is rejected (`wrong_unit`) where more than half of a parameter's values are impossible on Earth in the unit
that is named, and plausible in another one. Only what is certain stops an object: so many different values, so far
apart in time, that neither a fault code nor a sensor in the sun gives them. Wind in km/h is a storm in m/s, an inch
of rain a drizzle in mm, 10 °C taken for °F a frost: such values may be weather, and the checks of
[quality](quality.md) flag them one by one.
"""


_ENV_INTRODUCTION = """\
# Copy this file to .env and fill in what you need. A variable of the real environment wins over .env.
# Made by docs/generate.py from src/forecast/core/settings.py: do not edit it by hand."""


def parameters_page() -> str:
    """The whole page."""
    parameters = ((f"`{parameter.name}`", parameter.unit, parameter.description) for parameter in PARAMETERS)
    units = ((f"{quantity}", *row) for quantity in Quantity for row in _units_of(quantity))
    return "\n".join(
        (
            _INTRODUCTION,
            _table(("name", "unit", "meaning"), parameters),
            _UNITS_INTRODUCTION,
            _table(("quantity", "kept in", "written as", "converted by"), units),
            _GATES_INTRODUCTION,
            _table(("name", "on Earth", "source", "taken for each other", "at least"), _gates()),
        )
    )


def networks_page(networks: Networks) -> str:
    """What each network declares: its licence, and of each layout what tells it, its fields, units and codes."""
    parts = [_NETWORKS_INTRODUCTION]
    for network in networks:
        licence = network.licence
        ids = f"`{network.id_prefix}` and the network's own id" if network.id_prefix else "the network's own"
        facts = (
            f"- Licence: [{licence.name}]({licence.url}), source {licence.source}; individual stations may differ.",
            f"- Ids of stations: {ids}.",
            f"- Rows before {network.first_year} are quarantined: the network had no stations then.",
        )
        ways = [_way(source) for source in network.sources]
        access = [f"- Access: {network.access}"] if network.access else []
        traps = ["- Traps:", *(f"  - {trap}" for trap in network.traps)] if network.traps else []
        codes = ", ".join(f"`{code}`" for code in sorted(map(str, network.failed_codes)))
        failed = [f"- A value with the quality code {codes} failed the network's own check."] if codes else []
        parts.append("\n".join([f"## {network.name}\n", *facts, *failed, *access, *ways, *traps, ""]))
        parts += [_layout(layout) for layout in network.layouts]
    return "\n".join(parts)


def _way(source: Source) -> str:
    """How `forecast ingest` reads a source."""
    key = f"the key {source.key_setting}" if source.key_setting else "no key"
    kind = "whole files" if isinstance(source, FileFetch) else "records"
    return (
        f"- `forecast ingest --source {source.source}`: {kind}, {key}, {source.per_minute:,} calls a minute and "
        f"{source.per_day:,} in 24 hours."
    )


def _layout(layout: Layout) -> str:
    time = layout.time
    times = (time.column,) if isinstance(time, UtcTime) else (*time.utc, *time.whole, f"{time.day} with {time.clock}")
    zone = "UTC" if isinstance(time, UtcTime) else "the station's own time, if the column is not in UTC"
    if isinstance(time, UtcTime) and time.within_days is not None:
        zone += f"; a day of the month, hour and minute of the {time.within_days} days before the object was extracted"
    rows = [f"`{container.name}`" for container in layout.containers if container.rejected is None]
    facts = [f"- Time: {_names(times)} ({zone}).", f"- Station: `{layout.station}`{_OF_KEY[layout.station_of_key]}."]
    facts += [f"- In a JSON document the rows are in {', '.join(rows)}."] if rows else []
    if layout.blocks is not None:
        blocks = (f"`{name}` ({', '.join(units.values())})" for name, units in layout.blocks.units.items())
        facts.append(f"- Units: a field without a unit is in an object that names the units: {', '.join(blocks)}.")
    if layout.correction is not None:
        facts.append(
            f"- A report that is a correction, according to `{layout.correction.column}`, replaces the one of its time."
        )
    if layout.mean is not None:
        pair = _names((layout.mean.highest, layout.mean.lowest))
        facts.append(f"- `{layout.mean.parameter}` is also the mean of {pair}.")
    if layout.group:
        facts.append(
            f"- Parameter group: `{layout.group}`; rows of the network's other groups are merged with its rows."
        )
    if layout.not_stored:
        facts.append(f"- Known, counted, and not stored: {_names(layout.not_stored)}.")
    fields = [
        (f"`{name}`", f"`{field.parameter}`", field.unit or _UNIT[layout.blocks is None], _codes(field))
        for name, field in layout.fields.items()
    ]
    table = _table(("field", "parameter", "unit", "codes"), fields)
    return "\n".join([f"### {layout.name}\n", *facts, "", table])


def _codes(field: Field) -> str:
    numbers = [
        f"{', '.join(f'{number:g}' for number in code.numbers)} {code.unit} is {code.reason}" for code in field.codes
    ]
    unit = {parameter.name: parameter.unit for parameter in PARAMETERS}[field.parameter]
    texts = [f"{_names(code.texts)} is {code.value:g} {unit}: {code.reason}" for code in field.text_codes]
    return "; ".join([*numbers, *texts])


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def stations_schema() -> dict[str, Any]:
    """The schema of a file of the registry, with the parameters and the thresholds that a station may have."""
    fields, definitions = _station_fields()
    del fields["network"]
    fields["parameters"] |= {"items": {"enum": list(MEASURED_NAMES)}, "uniqueItems": True}
    fields["thresholds"] = {"$ref": "#/$defs/thresholds"}
    groups = {group: _closed({name: _changed_limit(name) for name in limits}) for group, limits in THRESHOLDS.items()}
    words = "limits of the quality checks that differ at this station, by parameter and name"
    text = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Station registry: the stations of one network",
        **_closed(
            {
                "network": text,
                "id_prefix": {"type": "string", "description": "what the ids of the network begin with"},
                "defaults": {
                    "description": "what holds for every station that does not say otherwise",
                    **_closed({name: field for name, field in fields.items() if name not in NO_DEFAULTS}),
                },
                "stations": {
                    "type": "array",
                    "items": {**_closed(fields), "required": [name for name in fields if name in OWN_FIELDS]},
                },
            }
        ),
        "required": ["network", "stations"],
        "$defs": {
            **{name: {**definition, "additionalProperties": False} for name, definition in definitions.items()},
            "thresholds": {"description": words, **_closed(groups)},
        },
    }


def _station_fields() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schemas of a station's fields, and what they refer to, by name."""
    (station,), definitions = msgspec.json.schema_components([Station], ref_template="#/$defs/{name}")
    return definitions.pop(station["$ref"].removeprefix("#/$defs/"))["properties"], definitions


def mongodb_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that the server holds documents to, with a station's texts, parameters and units, format version."""
    station = schema["$jsonSchema"]["properties"]["station"]
    fields = _station_fields()[0]
    station["properties"] |= {
        name: _bson_text(fields[name]) for name, field in station["properties"].items() if field["bsonType"] == "string"
    }
    station["required"] = [name for name in station["properties"] if NoneType not in get_args(FIELDS.get(name))]
    finite = {"minimum": -sys.float_info.max, "maximum": sys.float_info.max}
    schema["$jsonSchema"]["properties"]["measurements"]["properties"] = {
        parameter.name: {"bsonType": "double", **finite, "description": parameter.unit} for parameter in PARAMETERS
    }
    metadata = schema["$jsonSchema"]["properties"]["metadata"]["properties"]
    metadata[FORMAT_KEY] = {"bsonType": "int", "enum": [FORMAT_VERSION]}
    return schema


def _bson_text(field: dict[str, Any]) -> dict[str, Any]:
    """What the server is told of a text of the registry; where it may be null there, the key is absent here."""
    (text,) = (kind for kind in field.get("anyOf", [field]) if kind["type"] == "string")
    return {
        "bsonType": "string",
        **{name: text[name] for name in ("pattern", "minLength", "maxLength") if name in text},
    }


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _changed_limit(name: str) -> dict[str, Any]:
    return {"type": "number", **({"maximum": MAX_OVERRIDE[name]} if name in MAX_OVERRIDE else {})}


def _gates() -> Iterator[tuple[str, ...]]:
    unit_of = {parameter.name: parameter.unit for parameter in PARAMETERS}
    for name, earth in ON_EARTH.items():
        enough = earth.enough
        least = f"{enough.values} values; {enough.different} different ones beyond, {enough.hours} h apart"
        limits = f"{earth.lowest:g} to {earth.highest:g} {unit_of[name]}"
        yield f"`{name}`", limits, earth.source, ", ".join(earth.units), least if enough.values > 1 else "one value"


def env_example() -> str:
    """The whole of `.env.example`."""
    return "\n\n".join((_ENV_INTRODUCTION, *map(_env_group, Group))) + "\n"


def _env_group(group: Group) -> str:
    settings = [setting for setting in (*SETTINGS, *AWS_SETTINGS) if setting.group is group]
    return f"# {group[0].upper()}{group[1:]}\n" + "\n".join(map(_env_entry, settings))


def _env_entry(setting: Setting) -> str:
    words = " ".join(filter(None, (setting.help, setting.details, setting.without and f"Unset: {setting.without}.")))
    return (
        f"\n{textwrap.fill(words, 120, initial_indent='# ', subsequent_indent='# ')}\n#{setting.name}={setting.written}"
    )


def user_guide(page: str) -> str:
    """The page with its table of settings made anew."""
    rows = (
        (
            f"`{setting.name}`",
            f"`{setting.option}`" if setting in SETTINGS else "",
            _as_markdown(" ".join(filter(None, (setting.help, setting.details)))),
            f"`{setting.default}`" if setting.default else _as_markdown(setting.unset),
        )
        for setting in (*SETTINGS, *AWS_SETTINGS)
    )
    return _between(page, "settings", _table(("variable", "option", "meaning", "default"), rows))


def stations_page(page: str) -> str:
    """The page of the registry with its table of fields made anew."""
    rows = ((f"`{name}`", takes(kind), _left_out(name)) for name, kind in FIELDS.items() if name != "network")
    return _between(page, "fields", _table(("field", "accepted value", "if missing in entry and defaults"), rows))


def _left_out(name: str) -> str:
    if name == "network_id":
        return "the id without the network's `id_prefix`"
    if name in REQUIRED:
        return "an error; there can be no default" if name in NO_DEFAULTS else "an error"
    return "unknown" if NoneType in get_args(FIELDS[name]) else "none"


def _as_markdown(words: str) -> str:
    """Put what is to be typed between backticks."""
    typed = r"https?://[\w./-]+\w|s3://[^ ]+/|--[a-z-]+|(?<!\w)\.[a-z]+/[a-z]+|\b[A-Z]+_[A-Z_]+"
    return re.sub(typed, r"`\g<0>`", words)


def reports_page(page: str) -> str:
    """The page with its tables of fields made anew."""
    for report in REPORTS:
        rows = ((f"`{path}`", text) for path, text in documented_fields(report))
        page = _between(page, report.kind, _table(("field", "meaning"), rows))
    return page


def report_schemas() -> dict[Path, str]:
    """The text of the JSON Schema of each report, by its file."""
    return {SCHEMAS_FOLDER / f"{report.kind}.schema.json": schema_text(json_schema(report)) for report in REPORTS}


def quality_page(page: str) -> str:
    """The page with its tables made anew; that of the experiments where their data is."""
    page = _between(page, "checks", checks_table())
    page = _between(page, "thresholds", "\n".join(_thresholds()))
    return _between(page, "experiments", experiments_table()) if DATA.is_dir() else page


def api_page(page: str) -> str:
    """The page for Python with the reference of its names, from their signatures and docstrings."""
    return _between(page, "reference", "".join(_reference()))


def _reference() -> Iterator[str]:
    yield "```text\n" + "".join(f"{name} = {_type_text(getattr(api, name))}\n" for name in _API_TYPES) + "```\n"
    for name in ("read", "latest", "stations", "parameters"):
        yield _documented(f"forecast.{name}", getattr(forecast, name))
    yield f"\n### `forecast.Observations`\n\n{inspect.getdoc(forecast.Observations)}\n"
    for name, member in vars(forecast.Observations).items():
        if inspect.isfunction(member) and not name.startswith("_"):
            yield _documented(f"Observations.{name}", member)


def _documented(name: str, function: Callable[..., Any]) -> str:
    """A function's heading, its signature and its docstring."""
    signature = inspect.signature(function)
    # Annotations that are not evaluated are texts, in quotes.
    lines = [re.sub(r": '([^']*)'", r": \1", str(one)) for one in signature.parameters.values() if one.name != "self"]
    named = [parameter.kind is parameter.KEYWORD_ONLY for parameter in signature.parameters.values()]
    if any(named):
        lines.insert(named.index(True), "*")
    arguments = "".join(f"\n    {line}," for line in lines) + "\n" if lines else ""
    call = f"{name}({arguments}) -> {signature.return_annotation}"
    return f"\n### `{name}`\n\n```text\n{call}\n```\n\n{inspect.getdoc(function)}\n"


def _type_text(alias: object) -> str:
    """A type as it is written, without the names of modules."""
    return re.sub(r"\b[a-z_]+\.(?=[\w.]*[A-Za-z])", "", str(alias)).replace("'", '"')


def checks_table() -> str:
    """The checks in their order."""
    rows = (
        (
            f"`{check.id}`",
            ", ".join(check.known_as) or "no other name",
            check.finds,
            ", ".join(map(str, check.flags)),
            check.advice,
        )
        for check in CHECKS.values()
    )
    return _table(("check", "known as", "finds", "flags", "what to do"), rows)


def experiments_table() -> str:
    """What came of the errors that the tests put into the published week."""
    sys.path.insert(0, str(DOCS.parent))
    experiments = importlib.import_module("tests.quality.experiments")
    return _table(experiments.TABLE_HEAD, experiments.table_rows())


def _between(page: str, name: str, content: str) -> str:
    """The page with this content between the marks of this name."""
    marks = f"(<!-- {name}: [^>]*-->\n).*(<!-- end of {name} -->\n)"
    made, number = re.subn(marks, lambda found: f"{found[1]}{content}{found[2]}", page, flags=re.DOTALL)
    if number != 1:
        raise ValueError(f"the page has no place for {name}")
    return made


def _thresholds() -> Iterator[str]:
    units = {parameter.name: f" ({parameter.unit})" for parameter in PARAMETERS}
    for group, limits in THRESHOLDS.items():
        yield f"### `{group}`{units.get(group, '')}\n"
        yield _table(("threshold", "value", "source"), _limits_of(group, limits))


def _limits_of(group: str, limits: Mapping[str, Threshold]) -> Iterator[tuple[str, str, str]]:
    for name, limit in limits.items():
        yield _limit(name, limit)
        for network in NETWORKS:
            if (other := network.thresholds.get(group, {}).get(name)) is not None:
                yield _limit(name, other, f", {network.name}")


def _limit(name: str, limit: Threshold, where: str = "") -> tuple[str, str, str]:
    value = f"{limit.value:.10g}" if math.isfinite(limit.value) else "none"
    most = f" (at most {MAX_OVERRIDE[name]:g})" if name in MAX_OVERRIDE else ""
    return f"`{name}`{where}", f"{value}{most}", limit.source


def table_definitions() -> dict[Path, str]:
    """The datasets' tables for DuckDB, Athena and Terraform, by file."""
    tables = json.dumps(glue_tables(), ensure_ascii=False, indent=2)
    return {
        DOCS / "sql" / "duckdb.sql": duckdb_sql(),
        DOCS / "sql" / "athena.sql": athena_sql(),
        DOCS.parent / "terraform" / "modules" / "catalog" / "tables.json": f"{tables}\n",
    }


def _units_of(quantity: Quantity) -> Iterable[tuple[str, str, str]]:
    """Canonical unit, spellings and formula of every unit of a quantity."""
    canonical = ", ".join(dict.fromkeys(p.unit for p in PARAMETERS if p.quantity is quantity))
    spellings: dict[Unit, list[str]] = {}
    for spelling, unit in UNITS[quantity].items():
        spellings.setdefault(unit, []).append(spelling)
    for unit, names in spellings.items():
        yield canonical, ", ".join(f"`{name}`" for name in names), _formula(unit)


def _formula(unit: Unit) -> str:
    value = "value"
    if unit.subtract:
        value = f"value {'-' if unit.subtract > 0 else '+'} {abs(unit.subtract)!r}"
        if (unit.multiply, unit.divide) != (1, 1):
            value = f"({value})"
    if unit.multiply != 1:
        value += f" × {unit.multiply!r}"
    if unit.divide != 1:
        value += f" / {unit.divide!r}"
    return "as it is" if value == "value" else value


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    TARGET.write_text(parameters_page(), encoding="utf-8")
    NETWORKS_PAGE.write_text(networks_page(NETWORKS), encoding="utf-8")
    SCHEMA_FILE.write_text(schema_text(stations_schema()), encoding="utf-8")
    MONGODB_SCHEMA.write_text(
        schema_text(mongodb_schema(json.loads(MONGODB_SCHEMA.read_text("utf-8")))), encoding="utf-8"
    )
    ENV_EXAMPLE.write_text(env_example(), encoding="utf-8")
    GUIDE.write_text(user_guide(GUIDE.read_text("utf-8")), encoding="utf-8")
    REPORTS_PAGE.write_text(reports_page(REPORTS_PAGE.read_text("utf-8")), encoding="utf-8")
    for file, text in report_schemas().items():
        file.write_text(text, encoding="utf-8")
    for file, text in table_definitions().items():
        file.write_text(text, encoding="utf-8")
    STATIONS.write_text(stations_page(STATIONS.read_text("utf-8")), encoding="utf-8")
    API_PAGE.write_text(api_page(API_PAGE.read_text("utf-8")), encoding="utf-8")
    QUALITY.write_text(quality_page(QUALITY.read_text("utf-8")), encoding="utf-8")
