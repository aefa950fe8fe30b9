"""`forecast status`: the last runs, and what needs attention."""

from __future__ import annotations

from datetime import UTC, datetime

from forecast.cli.app import AsJson
from forecast.cli.output import print_result
from forecast.core.settings import Settings

NEEDS_ATTENTION = 3


def status_command(settings: Settings, as_json: AsJson = False) -> int:
    """Show the current state and what needs attention.

    It lists the last runs, and stations that are late or silent. Without the database, it uses the reports alone.

    Examples:

      forecast status

      forecast status --json

    Exit codes: 0 nothing needs attention; 3 something does.
    """
    from forecast.report.headline import assess
    from forecast.report.situation_text import render_situation, situation_json
    from forecast.run.situation import situation_of
    from forecast.run.stations import configured_stations

    situation = situation_of(settings, configured_stations(settings), datetime.now(UTC))
    assessment = assess(situation)
    print_result(situation_json(situation, assessment), render_situation(situation, assessment), as_json=as_json)
    return NEEDS_ATTENTION if assessment.needs_attention else 0
