"""The latency page: objectives, and how much of their error budgets is used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from forecast.core.slo import QuerySlos
from forecast.report.models.slo import ErrorBudget
from forecast.site.pages.latency import latency_page
from forecast.site.words import ENGLISH_LANGUAGE, FRENCH_LANGUAGE
from tests.site.nights import Faults
from tests.site.test_eight_faults import site_of


def test_the_objectives_are_those_of_slo_toml_over_its_days(tmp_path: Path) -> None:
    site = site_of(tmp_path, Faults(p95_ms=331.0, missed=frozenset({30})))
    shown = latency_page(site, ENGLISH_LANGUAGE)
    assert shown["days"] == 28
    assert [(row["title"], row["met"], row["target"], row["used"]) for row in shown["objectives"]] == [
        ("Runs start when due and finish", "27 / 28", "95.0%", "71%"),
        ("The newest observation is at most 30 hours old", "27 / 27", "95.0%", "0%"),
        ("A station's day: p95 at most 250 ms", "267 / 270", "95.0%", "22%"),
        ("A station's day: p99 at most 500 ms", "270 / 270", "99.0%", "0%"),
    ]


def test_a_spent_budget_is_what_the_overview_begins_with(tmp_path: Path) -> None:
    site = site_of(tmp_path, Faults(failed={38: "no primary", 37: "no primary"}))
    assert any(entry.kind == "slo_missed" for entry in site.assessment.attention)


def test_every_objective_has_a_title_in_both_languages(tmp_path: Path) -> None:
    names = [f"{query}.{measure}" for query in QuerySlos.__struct_fields__ for measure in ("p95", "availability")]
    budgets = tuple(ErrorBudget(name, 1.0 if "p95" in name else None, 100, 0, 0.05, 28, 0.0) for name in names)
    site = replace(site_of(tmp_path, Faults()), budgets=budgets)
    english, french = (
        [row["title"] for row in latency_page(site, language)["objectives"]]
        for language in (ENGLISH_LANGUAGE, FRENCH_LANGUAGE)
    )
    assert len(set(english)) == len(set(french)) == len(names)
    assert english[:2] == ["A station's day: p95 at most 1 ms", "A station's day: answered"]
    assert set(english) & set(french) == set()
