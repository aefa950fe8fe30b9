"""The file of the service level objectives."""

from __future__ import annotations

import re

import pytest

from forecast.core.errors import SettingError
from forecast.core.slo import SLO_FILE, default_slos, read_slos

TEXT = SLO_FILE.read_text("utf-8")


def test_the_objectives_that_come_with_the_program_are_complete() -> None:
    slos = default_slos()
    assert (slos.window_days, slos.clients) == (28, 8)
    assert slos.queries.station_day.p95_ms == 250.0


def test_another_file_states_other_objectives() -> None:
    slos = read_slos(TEXT.replace("p95_ms = 250", "p95_ms = 80.5").encode(), "other.toml")
    assert slos.queries.station_day.p95_ms == 80.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("window_days = 28", "window_days = 0"), "Expected `int` >= 1 - at `$.window_days`"),
        (TEXT.replace("share = 0.95", "share = 1.0"), "Expected `float` < 1.0 - at `$.runs.share`"),
        (TEXT.replace("[queries.latest]", "[queries.newest]"), "Object contains unknown field `newest`"),
        (re.sub(r"(?s)\[queries.latest\].*?\n\n", "", TEXT), "Object missing required field `latest`"),
        (TEXT.replace("p99_ms = 500", "p99_ms = 50"), "p99_ms (50) is below p95_ms (250) - at `$.queries.station_day`"),
        ("clients", "Expected '=' after a key"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_slos(text.encode(), "wrong.toml")
    assert caught.value.message.startswith("wrong.toml: ")
    assert words in caught.value.message
    assert "SLO_URI takes a TOML file of the form of src/config/slo.toml" in caught.value.message


def test_a_file_that_is_not_text_is_named() -> None:
    with pytest.raises(SettingError, match=r"wrong\.toml: .*SLO_URI takes"):
        read_slos(b"\xff\xfe", "wrong.toml")
