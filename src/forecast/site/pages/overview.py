"""The overview: problems first, then the last run in six numbers, and six weeks of nightly runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from forecast.report.models.status import Attention
from forecast.site.charts.curves import Trend, sparkline, trend
from forecast.site.marks import RUN_MARKS, SEVERITY_MARKS, SLO_MARKS, StateMark, order_of, run_mark, station_mark
from forecast.site.model import NIGHTS, Night, Site
from forecast.site.pages.names import station_link
from forecast.site.words import UNSPLIT, Language

_MAX_ATTENTION: Final = 12
_LABEL_EVERY: Final = 7
# A usual value needs at least this many nights.
_USUAL_NIGHTS: Final = 3
_ENDED: Final = frozenset({"success", "partial"})


@dataclass(frozen=True, slots=True)
class _Kpi:
    """One of the six numbers of docs/reports.md."""

    title: str
    value: Callable[[Night], float | None]
    show: Callable[[Language, float | None], str]
    of: Callable[[Language, Night], str] = lambda _language, _night: ""


def _count(language: Language, value: float | None) -> str:
    return language.number(value)


def _share(language: Language, value: float | None) -> str:
    return language.percent(value, 2)


def _completeness(language: Language, value: float | None) -> str:
    return language.percent(value)


def _of(number: Callable[[Night], int | None], words: str) -> Callable[[Language, Night], str]:
    def written(language: Language, night: Night) -> str:
        known = number(night)
        return "" if known is None else language.t(words, number=language.number(known))

    return written


_KPIS: Final = (
    _Kpi(
        "Records extracted",
        lambda night: night.records_extracted,
        _count,
        _of(lambda night: night.objects_loaded, "objects: {number}"),
    ),
    _Kpi(
        "Records validated",
        lambda night: night.records_validated,
        _count,
        _of(lambda night: night.records_extracted, "of {number} extracted"),
    ),
    _Kpi(
        "Records rejected",
        lambda night: night.records_rejected,
        _count,
        _of(lambda night: night.records_extracted, "of {number} extracted"),
    ),
    _Kpi(
        "Rejection rate",
        lambda night: night.rejection_rate,
        _share,
        _of(lambda night: night.records_extracted, "of {number} records"),
    ),
    _Kpi(
        "Completeness score",
        lambda night: night.completeness_score,
        _completeness,
        _of(lambda night: night.records_validated, "over {number} records"),
    ),
    _Kpi(
        "Anomalies detected",
        lambda night: night.anomalies_detected,
        _count,
        # Not "of": values of days that were read again, but not checked again, are flagged too.
        _of(lambda night: night.values_judged, "{number} values checked"),
    ),
)


def overview(site: Site, language: Language) -> dict[str, Any]:
    """What the template shows."""
    runs = [night for night in site.nights if night.status != "missed"]
    attention = site.assessment.attention
    states = Counter(one.shown_state for one in site.stations)
    worst = next((entry.severity for entry in attention), "good")
    nights = site.nights[-NIGHTS:]
    return {
        "headline": _named(site, language),
        "severity": worst,
        "last": {"night": runs[-1], "mark": run_mark(runs[-1].status)} if runs else None,
        "states": [
            {"number": states[state], "word": station_mark(state).word} for state in sorted(states, key=order_of)
        ],
        "latency": _latency(site),
        "attention": [_entry(site, language, entry) for entry in attention[:_MAX_ATTENTION]],
        "more": max(0, len(attention) - _MAX_ATTENTION),
        "tiles": [_tile(kpi, nights, language) for kpi in _KPIS],
        "strip": list(_strip(nights, language)),
        "legend": [RUN_MARKS[status] for status in _statuses(nights)],
        "charts": list(_charts(site, nights, language)),
        "table": [{"night": night, "mark": run_mark(night.status)} for night in reversed(nights)],
    }


def _named(site: Site, language: Language) -> str:
    """The headline, with names of stations and parameters instead of ids, which few people know."""
    first = next(iter(site.assessment.attention), None)
    if first is None or first.message != site.assessment.headline:
        return language.message(site.assessment.headline)
    name = "" if first.station is None else site.station_name(first.station)
    return name + _message(language, first)


def _entry(site: Site, language: Language, entry: Attention) -> dict[str, Any]:
    """An entry; its station is a link before the message."""
    name = "" if entry.station is None else site.station_name(entry.station)
    href = None if entry.station is None else station_link(site, entry.station, language)
    return {
        "mark": SEVERITY_MARKS[entry.severity],
        "message": _message(language, entry),
        "object": entry.object,
        "name": name,
        "href": href,
    }


def _message(language: Language, entry: Attention) -> str:
    """The message of an entry, without the station's name if it has one, with labels of parameters."""
    message = language.message(entry.message)
    if entry.station is None:
        return message
    return language.labelled(message.removeprefix(f"Station {entry.station}"))


def _latency(site: Site) -> dict[str, Any] | None:
    if not site.latency:
        return None
    newest = site.latency[-1]
    mark = SLO_MARKS[newest.met]
    return {"kind": mark.kind, "glyph": mark.glyph, "word": mark.word, "report": newest}


def _statuses(nights: Sequence[Night]) -> list[str]:
    """The statuses on the strip, in the order of the table of marks."""
    shown = {night.status for night in nights}
    return [status for status in RUN_MARKS if status in shown]


def _strip(nights: Sequence[Night], language: Language) -> Iterator[dict[str, Any]]:
    for place, night in enumerate(nights):
        mark: StateMark = run_mark(night.status)
        labelled = (len(nights) - 1 - place) % _LABEL_EVERY == 0
        title = f"{language.long_moment(night.started_at)}: {language.t(mark.word)}"
        yield {"mark": mark, "title": title, "label": language.day(night.started_at) if labelled else ""}


def _tile(kpi: _Kpi, nights: Sequence[Night], language: Language) -> dict[str, Any]:
    values = [kpi.value(night) if night.status in _ENDED else None for night in nights]
    last = next((night for night in reversed(nights) if night.status in _ENDED), None)
    before = [value for value in values[:-1] if value is not None]
    usual = ""
    if len(before) >= _USUAL_NIGHTS:
        usual = language.t("usually {number}", number=kpi.show(language, median(before)))
    return {
        "title": kpi.title,
        "number": kpi.show(language, None if last is None else kpi.value(last)),
        "of": "" if last is None else kpi.of(language, last),
        "usually": usual,
        "spark": sparkline(values, language.t("Trend over {number} nights", number=len(nights))),
    }


def _charts(site: Site, nights: Sequence[Night], language: Language) -> Iterator[dict[str, Any]]:
    labels = [language.day(night.started_at) for night in nights]

    def chart(title: str, values: Sequence[float | None], **more: Any) -> dict[str, Any]:
        heading = language.t(title)
        return {"title": heading, "drawing": trend(Trend(heading, labels, [("", values)], language.number, **more))}

    limit, percent = site.max_rejection_rate, language.percent_sign
    line = None if limit is None else (100 * limit, language.t("limit {number}", number=language.percent(limit, 0)))
    yield chart("Rejection rate", _percent([n.rejection_rate for n in nights]), unit=percent, limit=line)
    yield chart("Completeness score", _percent([n.completeness_score for n in nights]), unit=percent, zero=False)
    yield chart("Values flagged", [n.anomalies_detected for n in nights])
    yield chart("Records validated", [n.records_validated for n in nights])
    yield chart("Duration", [n.seconds for n in nights], unit=f"{UNSPLIT}s")
    if site.latency:
        yield latency_chart(site, language, "Latency of a station's day, p95")


def _percent(shares: Sequence[float | None]) -> list[float | None]:
    return [None if share is None else 100 * share for share in shares]


def latency_chart(site: Site, language: Language, title: str) -> dict[str, Any]:
    """The 95th percentile of the latency reports, and the objective."""
    reports = site.latency[-NIGHTS:]
    labels = [language.day(report.generated_at) for report in reports]
    slo = reports[-1].slo_ms
    line = (slo, language.t("objective {number} ms", number=language.number(slo)))
    curves = [("", [report.p95 for report in reports])]
    heading = language.t(title)
    return {
        "title": heading,
        "drawing": trend(Trend(heading, labels, curves, language.number, f"{UNSPLIT}ms", line)),
    }
