"""What the log is to say of stations as a whole."""

from __future__ import annotations

from collections import Counter

from forecast.report.advice import warnings
from forecast.report.findings import Findings

PRESSURE = "air_pressure_at_mean_sea_level"


def test_every_check_of_a_station_as_a_whole_has_its_words_and_facts() -> None:
    suspect = {
        ("ILAMAD25", "wind_speed", "stuck"): 288,
        ("ILAMAD25", PRESSURE, "bias"): 288,
        ("IICHTE19", PRESSURE, "bias"): 288,
        ("00052", PRESSURE, "bias"): 144,
    }
    findings = Findings(suspect=Counter(suspect), biases={("ILAMAD25", PRESSURE): 3.26, ("IICHTE19", PRESSURE): -7.2})
    question = (
        "its neighbours: is its calibration or its altitude wrong, or is a file of another station in its folder?"
    )
    assert list(warnings(findings)) == [
        (
            f"00052 {PRESSURE} is always off {question}",
            {"station": "00052", "check": "bias", "parameter": PRESSURE},
        ),
        (
            f"IICHTE19 {PRESSURE} is 7.2 hPa below {question}",
            {"station": "IICHTE19", "check": "bias", "parameter": PRESSURE},
        ),
        (
            f"ILAMAD25 {PRESSURE} is 3.3 hPa above {question}",
            {"station": "ILAMAD25", "check": "bias", "parameter": PRESSURE},
        ),
        (
            "ILAMAD25 wind_speed does not change on a day when its neighbours do: is the sensor stuck or sheltered?",
            {"station": "ILAMAD25", "check": "stuck", "parameter": "wind_speed"},
        ),
    ]


def test_a_clock_is_one_for_all_parameters() -> None:
    names = ("air_temperature", "wind_speed")
    findings = Findings(suspect=Counter({("ILAMAD25", name, "clock_offset"): 288 for name in names}))
    ((words, facts),) = warnings(findings)
    assert words == (
        "ILAMAD25 matches its neighbours when shifted by hours: is its clock or its time zone wrong, or is a file of "
        "another station in its folder?"
    )
    assert facts == {"station": "ILAMAD25", "check": "clock_offset"}


def test_what_single_values_are_flagged_for_is_no_warning() -> None:
    suspect = {("ILAMAD25", PRESSURE, check): 5 for check in ("gross_range", "buddy_check", "persistence", "flag_rate")}
    findings = Findings(suspect=Counter({**suspect, ("ILAMAD25", PRESSURE, "bias"): 0}))
    assert list(warnings(findings)) == []
