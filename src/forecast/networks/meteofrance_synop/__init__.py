"""Météo-France's SYNOP observations: every three hours, in the monthly files and the yearly ones that replaced them."""

from __future__ import annotations

from typing import Final

from forecast.networks.meteofrance_synop.fetch import FILES
from forecast.networks.model import Code, Field, Layout, Licence, Network, Recognise, UtcTime
from forecast.networks.station_source import StationSource
from forecast.qc.thresholds import PROJECT, limits

_SEA_LEVEL: Final = "air_pressure_at_mean_sea_level"
_TRACE: Final = (Code((-0.1,), "mm", 0.0, "a trace: too little to be measured"),)
# 101 in the files; 113 in BUFR, from which they are made.
_OBSCURED: Final = (Code((101.0, 113.0), "%", 9.0, "the code of a sky obscured, 9 okta"),)
_FIELDS: Final = {
    "t": Field("air_temperature", "K"),
    "td": Field("dew_point_temperature", "K"),
    "u": Field("relative_humidity", "%"),
    "pmer": Field(_SEA_LEVEL, "Pa"),
    "pres": Field("surface_air_pressure", "Pa"),
    "ff": Field("wind_speed", "m/s"),
    # Not `rafper`: its period varies (`per`), and it is above `raf10` even where `per` is ten minutes.
    "raf10": Field("wind_speed_of_gust_10min", "m/s"),
    "dd": Field("wind_from_direction", "deg"),
    **{f"rr{hours}": Field(f"precipitation_amount_{hours}h", "mm", codes=_TRACE) for hours in (1, 3, 6, 12, 24)},
    "vv": Field("visibility_in_air", "m"),
    "n": Field("cloud_area_fraction", "%", codes=_OBSCURED),
    "ht_neige": Field("surface_snow_thickness", "m"),
    "ww": Field("present_weather", "code"),
}
_NOT_STORED: Final = (
    *("tend", "cod_tend", "tend24", "niv_bar", "geop"),
    *("tn12", "tn24", "tx12", "tx24", "tminsol", "sw", "tw", "rafper", "per"),
    *("w1", "w2", "nbas", "hbas", "cl", "cm", "ch", "etat_sol", "ssfrai", "perssfrai"),
    *(f"phenspe{number}" for number in range(1, 5)),
    *(f"{name}{layer}" for layer in range(1, 5) for name in ("nnuage", "ctype", "hnuage")),
)

NETWORK: Final = Network(
    name="Météo-France SYNOP",
    id_prefix="mf-synop-",
    licence=Licence("Licence Ouverte 2.0", "https://www.etalab.gouv.fr/licence-ouverte-open-licence", "Météo-France"),
    layouts=(
        Layout(
            name="Météo-France's monthly SYNOP file",
            recognise=Recognise(columns=("numer_sta", "date", "cod_tend")),
            station="numer_sta",
            station_digits=5,
            time=UtcTime("date", format="%Y%m%d%H%M%S"),
            fields=_FIELDS,
            cell='a number with a decimal point, such as "280.250000"',
            not_stored=_NOT_STORED,
        ),
        Layout(
            name="Météo-France's yearly SYNOP file",
            recognise=Recognise(columns=("geo_id_wmo", "validity_time", "cod_tend")),
            station="geo_id_wmo",
            station_digits=5,
            time=UtcTime("validity_time"),
            fields=_FIELDS,
            cell='a number with a decimal point, such as "280.25"',
            beside=("lat", "lon", "name", "reference_time", "insert_time"),
            not_stored=_NOT_STORED,
        ),
    ),
    files=FILES,
    first_year=1996,
    stations=StationSource(
        form="csv",
        id=("ID", "NUM_POSTE"),
        name=("Nom",),
        latitude=("Latitude",),
        longitude=("Longitude",),
        elevation=("Altitude",),
        # The list omits the leading zeros that the files have.
        id_digits=5,
        described="postesSynop.csv: ID;Nom;Latitude;Longitude;Altitude",
        url="https://donneespubliques.meteofrance.fr/donnees_libres/Txt/Synop/postesSynop.csv",
    ),
    # With reports every three hours, the common limits would flag three equal values as a flat line.
    thresholds={
        **dict.fromkeys(
            ("air_temperature", "dew_point_temperature", "relative_humidity", _SEA_LEVEL, "wind_speed"),
            limits(f"{PROJECT}: seven reports", persistence_suspect_hours=18, persistence_fail_hours=24),
        ),
        "wind_from_direction": limits(
            f"{PROJECT}: nine reports, in tens of degrees", persistence_suspect_hours=24, persistence_fail_hours=24
        ),
        **dict.fromkeys(
            (f"precipitation_amount_{hours}h" for hours in (1, 3, 6, 12)),
            limits(
                "WMO code table 3590: from 1 mm on whole millimetres, and the 24 hours in tenths", nested_tolerance=0.5
            ),
        ),
    },
    access="yearly files in a public bucket, without a key; three-hourly observations up to the previous evening.",
    traps=(
        "The files of the same names below `data/synchro_ftp/OBS/` have not been updated since 9 September 2026.",
        "A file has all 190 stations; rows of stations that are not in the registry are quarantined.",
        "The monthly files of the former site have different columns, and `mq` for a missing value.",
        "-0.1 mm is a trace; 101 and 113 % mean an obscured sky.",
        "The list of stations omits the leading zeros of ids.",
    ),
)
