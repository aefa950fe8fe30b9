"""What the log is to say of stations as a whole."""

from __future__ import annotations

from collections import Counter

from forecast.report.advice import warnings
from forecast.report.findings import Findings

PRESSURE = "air_pressure_at_mean_sea_level"


def test_every_check_of_a_whole_station_has_its_warning_and_facts() -> None:
    suspect = {
        ("ITESTB25", "wind_speed", "stuck"): 288,
        ("ITESTB25", PRESSURE, "bias"): 288,
        ("ITESTA19", PRESSURE, "bias"): 288,
        ("00092", PRESSURE, "bias"): 144,
    }
    findings = Findings(suspect=Counter(suspect), biases={("ITESTB25", PRESSURE): 3.26, ("ITESTA19", PRESSURE): -7.2})
    question = (
        "its neighbours: is its calibration or its altitude wrong, or is a file of another station in its folder?"
    )
    assert list(warnings(findings)) == [
        (
            f"00092 {PRESSURE} is always off {question}",
            {"station": "00092", "check": "bias", "parameter": PRESSURE},
        ),
        (
            f"ITESTA19 {PRESSURE} is 7.2 hPa below {question}",
            {"station": "ITESTA19", "check": "bias", "parameter": PRESSURE},
        ),
        (
            f"ITESTB25 {PRESSURE} is 3.3 hPa above {question}",
            {"station": "ITESTB25", "check": "bias", "parameter": PRESSURE},
        ),
        (
            "ITESTB25 wind_speed does not change on a day when its neighbours do: is the sensor stuck or sheltered?",
            {"station": "ITESTB25", "check": "stuck", "parameter": "wind_speed"},
        ),
    ]


def test_a_clock_is_one_for_all_parameters() -> None:
    names = ("air_temperature", "wind_speed")
    findings = Findings(suspect=Counter({("ITESTB25", name, "clock_offset"): 288 for name in names}))
    ((words, facts),) = warnings(findings)
    assert words == (
        "ITESTB25 matches its neighbours when shifted by hours: is its clock or its time zone wrong, or is a file of "
        "another station in its folder?"
    )
    assert facts == {"station": "ITESTB25", "check": "clock_offset"}


def test_flags_of_single_values_are_not_a_warning() -> None:
    suspect = {("ITESTB25", PRESSURE, check): 5 for check in ("gross_range", "buddy_check", "persistence", "flag_rate")}
    findings = Findings(suspect=Counter({**suspect, ("ITESTB25", PRESSURE, "bias"): 0}))
    assert list(warnings(findings)) == []
