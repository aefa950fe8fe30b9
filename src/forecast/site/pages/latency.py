"""Latency and objectives: how often each was met, and how much of what may miss it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from forecast.site.charts.curves import Trend, trend
from forecast.site.marks import SLO_MARKS
from forecast.site.model import NIGHTS, Site
from forecast.site.svg import tag
from forecast.site.words import UNSPLIT, Language

# What is to be met in six weeks; docs/dashboard.md says why.
RUNS_TARGET: Final = 0.95
LATENCY_TARGET: Final = 0.95
_DONE: Final = frozenset({"success", "partial"})
_BAR: Final = 120.0


class Objective(NamedTuple):
    """How many of `total` met an objective of which the share `target` must."""

    title: str
    met: int
    total: int
    target: float

    @property
    def budget_used(self) -> float | None:
        """Of what may miss it, the share that did; None where nothing was measured."""
        return (self.total - self.met) / (self.total * (1 - self.target)) if self.total else None


def objectives(site: Site, language: Language) -> Iterator[Objective]:
    """Those of runs and of latency."""
    nights = [night for night in site.nights if night.status != "running"]
    done = sum(night.status in _DONE for night in nights)
    yield Objective(language.t("Runs start when due and come to their end"), done, len(nights), RUNS_TARGET)
    known = [report for report in site.latency[-NIGHTS:] if report.met is not None]
    if known:
        title = language.t("A station's day is read in {number} ms (p95)", number=language.number(known[-1].slo_ms))
        yield Objective(title, sum(report.met is True for report in known), len(known), LATENCY_TARGET)


def latency_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    reports = site.latency[-NIGHTS:]
    headline = language.t("No latency was measured yet")
    if reports:
        newest = reports[-1]
        words = {
            True: "Latency: the objective is met, p95 {p95} ms",
            False: "Latency: the objective is missed, p95 {p95} ms",
            None: "Latency: the last query found nothing",
        }[newest.met]
        headline = language.t(words, p95=language.number(newest.p95, 1))
    return {
        "headline": headline,
        "objectives": [_row(one, language) for one in objectives(site, language)],
        "charts": list(_charts(site, language)) if reports else [],
        "reports": [{"report": report, "mark": SLO_MARKS[report.met]} for report in reversed(reports)],
    }


def _row(one: Objective, language: Language) -> dict[str, Any]:
    return {
        "title": one.title,
        "met": f"{language.number(one.met)} / {language.number(one.total)}",
        "target": language.percent(one.target, 0),
        "used": language.percent(one.budget_used, 0),
        "bar": _bar(one.budget_used),
    }


def _bar(used: float | None) -> Markup:
    share = min(1.0, used or 0.0)
    kind = "fill bad" if used is not None and used > 1 else "fill" if share else "fill good"
    track = tag("rect", class_="track", width=_BAR, height=8, rx=4)
    fill = tag("rect", class_=kind, width=_BAR * share, height=8, rx=4)
    return tag("svg", track, fill, class_="bar", view_box=f"0 0 {_BAR:g} 8", aria_hidden="true")


def _charts(site: Site, language: Language) -> Iterator[dict[str, Any]]:
    reports = site.latency[-NIGHTS:]
    labels = [language.day(report.generated_at) for report in reports]
    slo = reports[-1].slo_ms
    line = (slo, language.t("objective {number} ms", number=language.number(slo)))
    for title, values, limit in (
        ("p95", [report.p95 for report in reports], line),
        ("p50", [report.p50 for report in reports], None),
        ("p99", [report.p99 for report in reports], None),
    ):
        drawing = trend(Trend(title, labels, [("", values)], language.number, f"{UNSPLIT}ms", limit))
        yield {"title": title, "drawing": drawing}
