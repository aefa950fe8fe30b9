"""The comparison of quality checks puts in the errors that it says, and counts them rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("titanlib", reason="titanlib has wheels for Linux on x86-64 alone")

from bench import crowdqc, qc


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qc, "STATIONS", 60)
    monkeypatch.setattr(qc, "HOURS", 72)
    monkeypatch.setattr(qc, "EVERY", 1)


@pytest.mark.parametrize("kind", qc.KINDS)
def test_errors_are_at_some_stations_and_large_and_the_others_are_left_alone(kind: str) -> None:
    sound = qc.City.sound()
    city = sound.with_errors(kind)
    assert 1 <= city.altered.sum() <= 12
    assert city.errors.any()
    assert not city.errors[~city.altered].any()
    np.testing.assert_array_equal(city.values[~city.altered], sound.values[~city.altered])
    if kind != "stuck":
        assert np.abs(city.values - sound.values)[city.errors].min() >= 2


def test_hits_are_of_errors_and_false_alarms_of_stations_that_were_left_alone() -> None:
    sound = qc.City.sound()
    altered, errors, found = np.zeros(60, dtype=bool), np.zeros((60, 72), dtype=bool), np.zeros((60, 72), dtype=bool)
    altered[1] = errors[1, :4] = True
    found[1, :3] = found[1, 50] = found[3, 0] = found[2, :] = True
    city = replace(sound, altered=altered, errors=errors)
    hits, alarms = qc.shares(city, found, slice(1, 60, 2))
    assert (hits, alarms) == (0.75, 1 / (29 * 72))


def tried() -> list[object]:
    """The methods; those in R are skipped where R or CrowdQC+ is missing."""
    lacking = crowdqc.missing()
    without = pytest.mark.skipif(lacking is not None, reason=f"CrowdQC+ does not run here: {lacking}")
    return [
        pytest.param(method, marks=[pytest.mark.whole, without] if method in qc.IN_R else [], id=name)
        for name, (method, _) in qc.METHODS.items()
        # Its own settings filter more of the good values than others flag.
        if method is not qc.crowdqc_defaults
    ]


@pytest.mark.parametrize("method", tried())
def test_every_method_finds_a_value_that_is_far_off_and_passes_most_others(method: qc.Method) -> None:
    sound = qc.City.sound()
    values = sound.values.copy()
    values[7, 30] += 15
    found = method(replace(sound, values=values), 6.0 if method is not qc.sct else 12.0)
    assert found[7, 30]
    assert found.mean() < 0.05


def test_the_lowest_limit_with_few_enough_false_alarms_is_taken() -> None:
    sound = qc.City.sound()

    def alarms(city: qc.City, threshold: float) -> qc.Found:
        found = np.zeros(city.values.shape, dtype=bool)
        found.flat[: 400 // int(threshold)] = True
        return found

    assert qc.tuned(sound, alarms, (1.0, 2.0, 40.0, 50.0)) == 40.0


def test_what_crowdqc_filters_is_of_the_value_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An R that filters what is above 30 °C stands in for it: rows and columns come back in their places."""
    (tmp_path / "R").mkdir()
    (tmp_path / "R" / "cqcp_filter.R").touch()
    program = tmp_path / "Rscript"
    program.write_text("""#!/bin/sh
tail -n +2 "$4" | awk -F, '{ print ($3 > 30) ? 1 : 0 }' >"$5"
cp "$4" "$3/../values.csv"
echo "$6" >"$3/../limit"
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CROWDQC_FOLDER", str(tmp_path))
    assert crowdqc.missing() is None
    city = qc.City.sound()
    values = city.values.copy()
    values[3, 40] = values[59, 0] = 31.5
    found = qc.crowdqc_plus(replace(city, values=values), 2.75)
    assert np.argwhere(found).tolist() == [[3, 40], [59, 0]]
    assert (tmp_path / "limit").read_text() == "2.75\n"
    head, *rows = (tmp_path / "values.csv").read_text().splitlines()
    assert head == "p_id,time,ta,lon,lat,z"
    crowd = city.crowd
    place = f"{crowd.longitudes[3]:.5f},{crowd.latitudes[3]:.5f},{crowd.elevations[3]:.0f}"
    assert rows[3 * 72 + 40] == f"3,{1719792000 + 40 * 3600},31.5,{place}"
    qc.crowdqc_defaults(city, float("nan"))
    assert (tmp_path / "limit").read_text() == "default\n"


def test_what_crowdqc_lacks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert crowdqc.missing() == "R is not installed"
    (tmp_path / "Rscript").touch(mode=0o755)
    monkeypatch.delenv("CROWDQC_FOLDER", raising=False)
    assert crowdqc.missing() == "CROWDQC_FOLDER does not name a copy of its sources"
    monkeypatch.setenv("CROWDQC_FOLDER", str(tmp_path))
    assert crowdqc.missing() == f"{tmp_path} has no R/cqcp_filter.R"
