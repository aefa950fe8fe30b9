"""What the CF conventions call a parameter."""

from __future__ import annotations

import pytest

from forecast.core.cf import attributes, standard_name
from forecast.core.parameters import PARAMETERS

_BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


@pytest.mark.parametrize(
    ("name", "standard"),
    [
        ("air_temperature", "air_temperature"),
        ("precipitation_amount_6min", "lwe_thickness_of_precipitation_amount"),
        ("surface_downwelling_shortwave_flux_in_air_1h", "surface_downwelling_shortwave_flux_in_air"),
        ("surface_downwelling_shortwave_flux_in_air_6min", "surface_downwelling_shortwave_flux_in_air"),
        ("air_temperature_min_1h", "air_temperature"),
        ("wind_speed_of_gust_10min", "wind_speed_of_gust"),
        ("soil_temperature_10cm", "soil_temperature"),
        ("duration_of_sunshine_1h", "duration_of_sunshine"),
        ("present_weather", None),
    ],
)
def test_a_standard_name_has_no_period(name: str, standard: str | None) -> None:
    assert standard_name(_BY_NAME[name]) == standard


def test_every_parameter_has_its_attributes() -> None:
    assert all({"long_name", "units"} <= attributes(parameter).keys() for parameter in PARAMETERS)
