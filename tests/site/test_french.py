"""The site in French: nothing of it is left in English."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Any, Final

import pytest

from forecast.qc.registry import CHECKS
from forecast.site import build, render
from forecast.site.french import FRENCH
from forecast.site.french_messages import FRENCH_MESSAGES
from forecast.site.marks import FLAG_MARKS, RUN_MARKS, SEVERITY_MARKS, SLO_MARKS, STATION_MARKS
from forecast.site.model import Quarantine, RejectedObject, Site
from forecast.site.words import ENGLISH_LANGUAGE, FRENCH_LANGUAGE
from tests.examples import for_every_change
from tests.site.built import built
from tests.site.nights import Faults, Flagged
from tests.site.test_eight_faults import FAULTS, entries, site_of
from tests.site.test_overview import page, text

# Words that stand in the English sentences of what needs attention, and in no French one.
ENGLISH: Final = {"the", "is", "its", "were", "rows", "values", "could", "did", "ago", "from"}
# One fault in the inner loop: that no sentence is missing is shown of all at once.
_FIRST, *_OTHERS = FAULTS
_FAULTS: Final = [_FIRST, *for_every_change(*_OTHERS)]
TEMPLATES: Final = Path(render.__file__).parent / "templates"


class _Complete(dict[str, str]):
    """A catalogue that is asked for nothing it lacks."""

    def get(self, key: str, default: Any = None) -> Any:
        assert key in self, f"french.py has no {key!r}"
        return self[key]


def test_every_sentence_of_the_pages_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults(
        ages={"ITESTA19": 196, "STATIC0090": 7.3},
        flagged=(Flagged("ITESTB25", "air_pressure_at_mean_sea_level", "bias", 288, off=6.8),),
        missed=frozenset({30}),
    )
    site: Site = replace(
        site_of(tmp_path, faults),
        database_fault="x",
        quarantine=Quarantine(objects=(RejectedObject("a", "b", "c", known=True),), fault="y"),
    )
    complete = replace(FRENCH_LANGUAGE, catalogue=_Complete(FRENCH))
    for module in (build, render):
        monkeypatch.setattr(module, "LANGUAGES", (ENGLISH_LANGUAGE, complete))
    assert any(name.endswith(".fr.html") for name in built(site))


def test_every_sentence_of_the_templates_is_there() -> None:
    sentences = {
        found
        for path in TEMPLATES.glob("*.html")
        for found in re.findall(r"""\bt\((?:"([^"]+)"|'([^']+)')""", path.read_text("utf-8"))
    }
    assert {one or other for one, other in sentences} - FRENCH.keys() == set()


def test_every_state_has_its_word() -> None:
    marks = [*RUN_MARKS.values(), *STATION_MARKS.values(), *SEVERITY_MARKS.values(), *SLO_MARKS.values()]
    assert {mark.word for mark in [*marks, *FLAG_MARKS.values()]} - FRENCH.keys() == set()


def test_the_advice_of_a_check_is_what_its_file_says() -> None:
    for check in CHECKS.values():
        assert FRENCH_LANGUAGE.message(check.advice) == check.french_advice
        assert FRENCH_LANGUAGE.message(f"0.7 °C above its neighbours; {check.advice}") == (
            f"0.7 °C au-dessus de ses voisines ; {check.french_advice}"
        )


@pytest.mark.parametrize("catalogue", [FRENCH, FRENCH_MESSAGES], ids=["pages", "messages"])
def test_a_translation_has_the_values_of_the_original(catalogue: dict[str, str]) -> None:
    for english, french in catalogue.items():
        one, other = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, french))
        assert one == other, english


@pytest.mark.parametrize("fault", _FAULTS)
def test_every_fault_is_reported_in_french(fault: str, tmp_path: Path) -> None:
    site = site_of(tmp_path, FAULTS[fault][0])
    words = [
        set(re.findall("[a-z]+", entry.lower()))
        for name in ("", ".fr")
        for entry in entries(page(site, f"index{name}.html"))
    ]
    english, french = words
    assert english & ENGLISH
    assert not french & ENGLISH


def test_the_overview_says_in_french_what_is_wrong(tmp_path: Path) -> None:
    html = text(page(site_of(tmp_path, Faults(ages={"ITESTA19": 196.2})), "index.fr.html"))
    assert "WeerstationBS est muette : sa dernière observation est du 2026-11-20 22:58 UTC, il y a 196 heures" in html
    assert "À surveiller" in html
    assert "1 067 sur 1 067 extraits d'habitude 1 065" in html.replace("\N{NARROW NO-BREAK SPACE}", " ")
