"""The page on latency and objectives: how often each was met, and how much of its error budget is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from markupsafe import Markup

from forecast.report.models.slo import ErrorBudget
from forecast.site.charts.curves import Trend, trend
from forecast.site.marks import SLO_MARKS
from forecast.site.model import NIGHTS, Site
from forecast.site.svg import tag
from forecast.site.words import UNSPLIT, Language

_QUERIES: Final[Mapping[str, str]] = {
    "station_day": "A station's day",
    "station_week": "A station's week",
    "latest": "The newest observation of every station",
    "last_hour": "The map of the last hour",
    "flagged_week": "The flagged values of a week",
}
_BAR: Final = 120.0


def latency_page(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    reports = site.latency[-NIGHTS:]
    headline = language.t("No latency has been measured yet")
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
        "objectives": [_row(budget, language) for budget in site.budgets],
        "days": site.budgets[0].days if site.budgets else None,
        "charts": list(_charts(site, language)) if reports else [],
        "reports": [{"report": report, "mark": SLO_MARKS[report.met]} for report in reversed(reports)],
    }


def _row(budget: ErrorBudget, language: Language) -> dict[str, Any]:
    met = budget.total - budget.missed
    return {
        "title": _title(budget, language),
        "met": f"{language.number(met)} / {language.number(budget.total)}",
        "target": language.percent(1 - budget.allowed),
        "used": language.percent(budget.used, 0),
        "bar": _bar(budget.used),
    }


def _title(budget: ErrorBudget, language: Language) -> str:
    query, _, measure = budget.objective.partition(".")
    if budget.limit is None:
        if not measure:
            return language.t("Runs start when due and finish")
        return language.t("{query}: answered", query=language.t(_QUERIES[query]))
    limit = language.number(budget.limit)
    if not measure:
        return language.t("The newest observation is at most {number} hours old", number=limit)
    return language.t(
        "{query}: {measure} at most {number} ms", query=language.t(_QUERIES[query]), measure=measure, number=limit
    )


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
