"""InfoClimat's open data: one observation per row, `dh_utc` in UTC, numbers as text, units documented by the API."""

from __future__ import annotations

from typing import Final

from forecast.networks.infoclimat.csv_export import CSV_EXPORT
from forecast.networks.infoclimat.fetch import FETCH
from forecast.networks.infoclimat.fields import FIELDS
from forecast.networks.model import Container, Layout, Licence, Network, Recognise, UnitsInNames, UtcTime

NETWORK: Final = Network(
    name=FETCH.network,
    id_prefix="",
    licence=Licence("CC BY", "https://creativecommons.org/licenses/by/2.0/fr/", "infoclimat.fr"),
    formats=(CSV_EXPORT,),
    fetch=(FETCH,),
    layouts=(
        Layout(
            name="InfoClimat",
            recognise=Recognise(columns=("dh_utc",), station=True),
            station="id_station",
            time=UtcTime("dh_utc"),
            fields=FIELDS,
            cell='a number with a decimal point, such as "7.6"',
            # One list a station; next to them is a list of the fields' names.
            containers=(Container("hourly", beside=("_params",), units="metadata"),),
            language="fr",
            units_in_names=UnitsInNames({name: (known.parameter,) for name, known in FIELDS.items()}),
        ),
    ),
    access="your own token from https://www.infoclimat.fr/opendata/, bound to the IPv4 address of the caller.",
    traps=(
        "Errors come with status 200.",
        "The records do not name their units; the document does, and `forecast ingest` compares them.",
        "Some stations are CC BY-NC: they are left out unless `ALLOW_NON_COMMERCIAL=yes`.",
    ),
)
