"""The comparison of quality checks puts in the errors that it says, and counts them rightly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("titanlib", reason="titanlib has wheels for Linux on x86-64 alone")

from bench import qc


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


@pytest.mark.parametrize("method", [method for method, _ in qc.METHODS.values()], ids=qc.METHODS)
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
