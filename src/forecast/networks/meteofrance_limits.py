"""The thresholds that Météo-France's hourly observations need, in whichever form they come."""

from __future__ import annotations

from typing import Final

from forecast.qc.thresholds import PROJECT, limits

HOURLY_LIMITS: Final = {
    "wind_from_direction": limits(f"{PROJECT}: directions are in tens of degrees", persistence_suspect_hours=12),
    # With the common limit of 0.15, 128 of 2,280 days of five stations of Paris were flagged, 90 of them at
    # Lariboisière, where streets warm and cool later than the parks of the others; with 0.3 it is 10. A clock that is
    # two hours fast is still found on 56 to 94 % of the days, one that is one hour fast on 26 to 89 %.
    "clock_offset": limits(
        f"{PROJECT}, measured on five stations of Paris, 2023 and 2024", clock_offset_improvement=0.3
    ),
}
