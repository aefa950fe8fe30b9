"""More light than the sun can give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from forecast.qc.check import Check, Context, Finding, Scope
from forecast.qc.flags import FAIL, SUSPECT, Flags, Floats, flags_of
from forecast.qc.names import IRRADIANCE, UV
from forecast.qc.sun import clear_sky_irradiance, clear_sky_uv
from forecast.qc.thresholds import PROJECT, Thresholds, limits

# The end of civil twilight.
_TWILIGHT_DEGREES: Final = -6.0


def solar_range(
    values: Floats, elevation: Floats, clear_sky: Floats, *, night_limit: float, factor: float, margin: float
) -> Flags:
    """Flag irradiance (W/m²) or UV index that the sun cannot give: FAIL at night, SUSPECT far above a clear sky's.

    `elevation` is the sun's in degrees; `clear_sky` is the clear-sky value in the unit of `values`; see `sun`.
    FAIL: more than `night_limit` while the sun is more than 6° below the horizon, the end of civil twilight.
    SUSPECT: more than factor * clear_sky + margin. The factor allows for broken clouds near the sun and, for UV, for
    thin ozone. The margin allows for rounding, and for twilight, in which a model of the direct beam gives nothing.

    The form is that of BSRN's limits (Long and Shi 2008: 1.2 Sa µ^1.2 + 50 W/m² is "extremely rare"). Low values are
    not suspect: clouds cause them.
    """
    dark = elevation < _TWILIGHT_DEGREES
    return flags_of(
        values,
        suspect=values > factor * clear_sky + margin,
        fail=dark & (values > night_limit),
        evaluated=~np.isnan(elevation + clear_sky),
    )


def _run(context: Context) -> Iterator[Finding]:
    for name, clear_sky in ((IRRADIANCE, clear_sky_irradiance), (UV, clear_sky_uv)):
        if context.has(name):
            own = context.limits[name]
            flags = solar_range(
                context.unfailed(name),
                context.sun_elevation,
                clear_sky(context.sun_elevation),
                night_limit=own["solar_range_night"],
                factor=own["solar_range_factor"],
                margin=own["solar_range_margin"],
            )
            yield Finding(name, flags)


_LIMITS: Final[Mapping[str, Thresholds]] = {
    UV: {
        **limits(f"{PROJECT}: half of one step of the index", solar_range_night=0.5),
        **limits("Madronich 2007: thin ozone (220 DU) gives 1.46 times", solar_range_factor=1.5),
        **limits(f"{PROJECT}: the index is a whole number; a good week had 1.46", solar_range_margin=2),
    },
    IRRADIANCE: {
        **limits(f"{PROJECT}: more than the zero drift of an instrument", solar_range_night=5),
        **limits("Yordanov 2013: cloud edges give up to 1.5 times a clear sky", solar_range_factor=1.5),
        **limits("BSRN, extremely rare limit", solar_range_margin=50),
    },
}

CHECK: Final = Check(
    id="solar_range",
    order=110,
    scope=Scope.STATION,
    parameters=tuple(_LIMITS),
    limits=_LIMITS,
    known_as=("BSRN extremely rare limits",),
    finds="light at night (4), or more than a clear sky gives (3)",
    flags=(SUSPECT, FAIL),
    advice="more sunlight than possible: check the sensor's siting, its unit and the station's clock",
    french_advice="plus de soleil que possible : voir l'emplacement du capteur, son unité et l'horloge de la station",
    run=_run,
)
