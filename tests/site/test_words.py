"""How the two languages write what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from forecast.site.words import ENGLISH_LANGUAGE, FRENCH_LANGUAGE, Language

MOMENT = datetime(2026, 11, 27, 3, 10, tzinfo=UTC)


def plain(text: str) -> str:
    """With plain blanks, which can be read in a test."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "digits", "english", "french"),
    [
        (1234567, 0, "1,234,567", "1 234 567"),
        (31.25, 1, "31.2", "31,2"),
        (-4.5, 1, "−4.5", "−4,5"),
        (-0.04, 1, "0.0", "0,0"),
        (None, 0, "–", "–"),
    ],
)
def test_numbers_have_the_languages_separators(value: float | None, digits: int, english: str, french: str) -> None:
    assert plain(ENGLISH_LANGUAGE.number(value, digits)) == english
    assert plain(FRENCH_LANGUAGE.number(value, digits)) == french


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.0, 1, "0.0%"),
        (1.0, 1, "100.0%"),
        (0.00001, 1, "< 0.1%"),
        (0.99999, 1, "99.9%"),
        (0.123, 0, "12%"),
        (None, 1, "–"),
    ],
)
def test_only_0_is_shown_as_0_percent_and_only_1_as_100(share: float | None, digits: int, text: str) -> None:
    assert plain(ENGLISH_LANGUAGE.percent(share, digits)) == text


def test_moments_are_utc_in_words() -> None:
    assert plain(ENGLISH_LANGUAGE.long_moment(MOMENT)) == "Fri 27 Nov 2026 03:10 UTC"
    assert plain(FRENCH_LANGUAGE.long_moment(MOMENT)) == "ven. 27 nov. 2026 03:10 UTC"
    assert plain(ENGLISH_LANGUAGE.day(date(2026, 2, 1))) == "1 Feb"


def test_a_moment_of_another_year_is_shown_with_its_year() -> None:
    assert plain(ENGLISH_LANGUAGE.moment(MOMENT, datetime(2026, 12, 24, tzinfo=UTC))) == "27 Nov 03:10"
    assert plain(ENGLISH_LANGUAGE.moment(MOMENT, datetime(2028, 1, 1, tzinfo=UTC))) == "27 Nov 2026 03:10"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (41.2, "41 s"), (300, "5 min"), (26_000, "7 h"), (700_000, "8 days")],
)
def test_a_time_is_shown_in_its_largest_unit(seconds: float, text: str) -> None:
    assert plain(ENGLISH_LANGUAGE.span(seconds)) == text


def test_a_parameter_without_a_label_is_shown_by_its_name() -> None:
    assert ENGLISH_LANGUAGE.parameter("wind_speed_of_gust") == "Gust"
    assert ENGLISH_LANGUAGE.parameter("soil_temperature") == "Soil temperature"
    assert (ENGLISH_LANGUAGE.unit("air_temperature"), ENGLISH_LANGUAGE.unit("ultraviolet_index")) == ("°C", "")


def test_a_composed_message_is_translated_with_its_values() -> None:
    known = {"Station {station} is silent: {why}": "{station} : {why}", "no sign of it": "aucune trace"}
    language = Language("xx", "X", {}, known, ",", ".", "%")
    assert language.message("Station 07915 is silent: no sign of it") == "07915 : aucune trace"
    assert language.message("Station 07915 is silent: since (a.b) {c}") == "07915 : since (a.b) {c}"
    assert language.message("something else") == "something else"
