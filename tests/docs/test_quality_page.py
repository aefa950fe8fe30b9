"""docs/quality.md is true: its tables are those of the program, its examples work, its numbers are measured."""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.core.clock import DAY_MS, HOUR_MS
from forecast.core.registry import load_stations
from forecast.qc.changes import Changes
from forecast.qc.flags import NOT_EVALUATED, SUSPECT
from forecast.qc.limits import limits_of
from forecast.qc.registry import CHECKS, THRESHOLDS
from forecast.qc.windows import windows_of
from tests.networks import nominal_rows
from tests.quality.experiments import DIRECTION, Clean, P, clean_week, tally_of_sound
from tests.real_week import ARMENTIERES, ICHTEGEM, LA_MADELEINE, LESQUIN
from tests.stations import entry, registry_file, stations_with

pytestmark = pytest.mark.usefixtures("built_in_registry")

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "quality.md"
TEXT = PAGE.read_text("utf-8")
REPORT_SCHEMAS = ROOT / "src" / "forecast" / "report" / "schemas"
FLAGGED, OVERRIDE = (json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def clean(shared_data: Path) -> Clean:
    return clean_week()


def part(name: str) -> str:
    (found,) = re.findall(rf"<!-- {name}: [^>]*-->\n(.*)<!-- end of {name} -->", TEXT, re.DOTALL)
    return str(found)


def test_tables_of_checks_and_thresholds_are_those_of_the_program() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    assert part("checks") == made["checks_table"](), "run `make docs`"
    assert part("thresholds") == "\n".join(made["_thresholds"]()), "run `make docs`"
    assert re.findall(r"^\| `(\w+)` \|", part("checks"), re.MULTILINE) == list(CHECKS)
    names = [name for limits in THRESHOLDS.values() for name in limits]
    assert re.findall(r"^\| `(\w+)` \|", part("thresholds"), re.MULTILINE) == names


@pytest.mark.slow
def test_table_of_experiments_is_what_they_give(shared_data: Path) -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    assert part("experiments") == made["experiments_table"](), "run `make docs`"


def test_flags_of_the_example_are_as_the_database_takes_them() -> None:
    schema = json.loads((ROOT / "src" / "config" / "mongodb_schema.json").read_text("utf-8"))
    quality = schema["$jsonSchema"]["properties"]["data_quality"]["properties"]
    assert FLAGGED.keys() <= quality.keys()
    assert {check for entry in FLAGGED["flags"].values() for check in entry["checks"]} <= set(CHECKS)


def test_thresholds_of_the_example_hold_at_their_station_alone() -> None:
    stations = stations_with({ICHTEGEM: OVERRIDE})
    limits = {
        station.id: (limits_of(station, {})[P]["bias_limit"], limits_of(station, {})[DIRECTION]["flag_rate_limit"])
        for station in stations
    }
    assert limits.pop(ICHTEGEM) == (9, 0.6)
    assert set(limits.values()) == {(3, 0.4)}


def test_thresholds_of_the_example_may_stand_in_the_registry() -> None:
    file = registry_file("Weather Underground", entry(ICHTEGEM, timezone="Europe/Brussels", **OVERRIDE))
    station = load_stations([file]).get(ICHTEGEM)
    assert station is not None
    assert station.thresholds == OVERRIDE["thresholds"]


def test_with_the_thresholds_of_the_example_ichtegem_is_not_flagged_any_more(clean: Clean) -> None:
    station = stations_with({ICHTEGEM: OVERRIDE}).get(ICHTEGEM)
    assert station is not None
    series = clean.week[ICHTEGEM]
    results = clean.evaluated_with(replace(series, stations=(station,)))[ICHTEGEM]
    assert (clean.results[ICHTEGEM].flags[P] == SUSPECT).sum() == 730
    assert (results.flags[P] == SUSPECT).sum() == 0


def test_numbers_of_the_week_are_those_of_the_page(clean: Clean) -> None:
    values, suspect, failed = tally_of_sound(clean)
    assert failed == 0
    share = {name: _share(clean, name) for name in (LA_MADELEINE, ARMENTIERES)}
    off = clean.week[ICHTEGEM].values[P] - clean.results[ICHTEGEM].medians[P]
    amounts = {name: float(np.nansum(clean.results[name].amount)) for name in (LA_MADELEINE, ICHTEGEM)}
    words = " ".join(TEXT.split())
    for said in (
        f"{suspect} of {values:,} values are suspect ({100 * suspect / values:.2f} %) and none failed",
        f"Of La Madeleine's directions {share[LA_MADELEINE]:.0f} % are at calm and not evaluated",
        f"of Armentières' {share[ARMENTIERES]:.0f} %",
        f"Ichtegem's pressure is {-np.nanmedian(off):.1f} hPa low",
        f"{amounts[LA_MADELEINE]:.3f} mm at La Madeleine and {amounts[ICHTEGEM]:.3f} mm at Ichtegem",
    ):
        assert said in words


def _share(clean: Clean, name: str) -> float:
    flags, values = clean.results[name].flags[DIRECTION], clean.week[name].values[DIRECTION]
    return float(100 * (flags == NOT_EVALUATED).sum() / (~np.isnan(values)).sum())


def test_days_that_a_change_reaches_are_those_of_the_page() -> None:
    day, words = 20_001, " ".join(TEXT.split())
    limit = day * DAY_MS + round(6.5 * HOUR_MS)
    for since, days_before in ((limit - 1, 1), (limit, 0)):
        changes = Changes({LESQUIN: {day}}, {(LESQUIN, day): since})
        (window,) = windows_of(changes, load_stations(), nominal_rows)
        assert (day - window.first, window.last - day) == (days_before, 4)
    assert "the day itself and four days after it, and the day before if anything is new up to 6:30 UTC" in words
    (span,) = Changes({LESQUIN: {day}}).watched(LESQUIN)
    assert (day * DAY_MS - span[0]) / HOUR_MS == 30
    assert "the flags of the 30 hours before" in words


@pytest.mark.parametrize("kind", ["quality_report", "pipeline_status"])
def test_every_field_of_a_report_is_explained(kind: str) -> None:
    schema = json.loads((REPORT_SCHEMAS / f"{kind}.schema.json").read_text("utf-8"))
    fields = [*schema["properties"], *schema["properties"].get("counts", {}).get("properties", {})]
    text = (DOCS / "reports.md").read_text("utf-8")
    assert [name for name in fields if name not in text and not name.startswith("objects_")] == []
