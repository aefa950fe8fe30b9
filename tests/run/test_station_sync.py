"""Entries for the station registry from the networks' own lists."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import SettingError
from forecast.core.registry import load_stations
from forecast.core.registry_files import RegistryFile
from forecast.networks.registry import NETWORKS
from forecast.run.station_sync import Place, Proposal, propose, source_of

KNOWN = load_stations()
SYNOP, OBS = "Météo-France SYNOP", "Météo-France observations"
HOURLY, RMI, DWD = "Météo-France hourly data", "RMI automatic stations", "DWD"
POSTES = """ID;Nom;Latitude;Longitude;Altitude
7985;ABBEVILLE;50.136000;1.834000;69
7915;LILLE-LESQUIN;50.570000;3.097500;47
7020;PTE DE LA HAGUE;49.725167;-1.939833;
7024;;49.725167;-1.939833;6
"""
LISTE = """Id_station;Id_omm;Nom_usuel;Latitude;Longitude;Altitude;Date_ouverture;Pack
01014002;;ARBENT;46.278167;5.669000;534;2003-10-01;RADOME
01089001;07482;AMBERIEU;45.976500;5.329333;250;1934-03-01;RADOME
97403410;;LE DIMITILE_SAPC;-21.1;55.4;1800;2001-01-01;ETENDU
"""


def proposed(name: str, content: str | bytes, near: Place | None = None) -> Proposal:
    body = content.encode() if isinstance(content, str) else content
    return propose(*source_of(name), body, KNOWN, near)


def feature(code: int, coordinates: list[float] | None, **more: Any) -> dict[str, Any]:
    properties = {"code": code, "name": f"PLACE {code}", "altitude": 24.8, "date_end": None, **more}
    geometry = None if coordinates is None else {"type": "Point", "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_a_proposal_is_a_file_of_the_registry_with_zeros_twins_and_nothing_made_up() -> None:
    found = proposed(SYNOP, POSTES)
    assert [one["id"] for one in found.stations] == ["mf-synop-07985", "mf-synop-07915"]
    assert found.left_out == {"without elevation": 1, "without name": 1}
    stations = load_stations([RegistryFile("a.json", found.document.encode())], NETWORKS.id_prefixes)
    lille, own = stations.get("mf-synop-07915"), stations.get("07915")
    assert lille is not None
    assert own is not None
    assert (lille.name, lille.latitude, lille.longitude, lille.elevation) == ("LILLE-LESQUIN", 50.57, 3.0975, 47)
    # The sensor of InfoClimat's 07915 is the same one: no neighbour of itself.
    assert (lille.same_site_as, own.same_site_as) == (("07915",), ("mf-synop-07915",))
    assert lille.interval_minutes == 180


def test_the_list_of_dpobs_gives_the_numbers_of_the_wmo_and_the_zones_overseas() -> None:
    found = {one["id"]: one for one in proposed(OBS, LISTE).stations}
    assert found.keys() == {"mf-01014002", "mf-01089001", "mf-97403410"}
    assert found["mf-01089001"]["wigos_id"] == "0-20000-0-07482"
    assert "wigos_id" not in found["mf-01014002"]
    assert "timezone" not in found["mf-01014002"]
    assert found["mf-97403410"]["timezone"] == "Indian/Reunion"


def test_the_files_of_a_department_list_their_stations_themselves() -> None:
    rows = "NUM_POSTE;NOM_USUEL;LAT;LON;ALTI;AAAAMMJJHH;T\n" + "01014002;ARBENT;46.278167;5.669;534;2023010100;1\n" * 3
    found = proposed(HOURLY, gzip.compress(rows.encode()))
    assert found.stations == [
        {"id": "mf-h-01014002", "name": "ARBENT", "latitude": 46.278167, "longitude": 5.669, "elevation": 534.0}
    ]


def test_the_list_of_dwd_is_text_and_tells_a_closed_station_by_its_last_day() -> None:
    # The first lines are DWD's own, as public programs quote them.
    lines = (
        "Stations_id von_datum bis_datum Stationshoehe geoBreite geoLaenge Stationsname Bundesland Abgabe",
        "----------- --------- --------- ------------- --------- --------- ---------------------------- ----------",
        "00003 19930429 20110331            202     50.7827    6.0941 Aachen               Nordrhein-Westfalen  Frei",
        "00979 20040901 20241009            314     50.7364    8.2672 Dillenburg           Hessen               Frei",
        "2110  20030105 20241008             57     51.0411    6.1042 Lippspringe, Bad     Nordrhein-Westfalen  Frei",
        "19999 20030105 20240907             57     51.0411    6.1042 Größe                Hessen               Frei",
    )
    found = proposed(DWD, "\r\n".join(lines).encode("latin-1"))
    assert found.left_out == {"closed": 2}
    assert found.stations == [
        {"id": "dwd-00979", "name": "Dillenburg", "latitude": 50.7364, "longitude": 8.2672, "elevation": 314.0},
        {"id": "dwd-02110", "name": "Lippspringe, Bad", "latitude": 51.0411, "longitude": 6.1042, "elevation": 57.0},
    ]


def test_features_are_read_in_either_order_of_coordinates_and_closed_stations_are_skipped() -> None:
    features = [
        feature(6994, [50.904, 3.122], wigos_id="0-20000-0-06994"),
        feature(6431, [4.525, 51.075]),
        feature(6438, [51.325, 3.1], date_end="2020-01-01T00:00:00Z"),
        feature(6439, None),
        # Which of the two is the latitude cannot be told.
        feature(6440, [50.1, 50.2]),
    ]
    found = proposed(RMI, json.dumps({"type": "FeatureCollection", "features": features}))
    places = {one["id"]: (one["latitude"], one["longitude"], one.get("wigos_id")) for one in found.stations}
    assert places == {"rmi-6994": (50.904, 3.122, "0-20000-0-06994"), "rmi-6431": (51.075, 4.525, None)}
    assert found.left_out == {"closed": 1, "without position": 2}


def test_aerodromes_come_from_the_station_list_or_from_reports() -> None:
    listed = [
        {
            "icaoId": "LFQZ",
            "wmoId": "07915",
            "lat": 50.57,
            "lon": 3.1,
            "elev": 47,
            "site": "Lille/Lesquin",
            "country": "FR",
        },
        {"icaoId": None, "lat": 32.81, "lon": -79.63, "elev": 0, "site": "Capers Nearshore"},
        {"icaoId": "EBXX", "lat": None, "lon": None, "elev": 5, "site": "Nowhere"},
    ]
    found = proposed("METAR", gzip.compress(json.dumps(listed).encode()))
    assert found.stations == [
        {
            "id": "metar-LFQZ",
            "name": "Lille/Lesquin",
            "latitude": 50.57,
            "longitude": 3.1,
            "elevation": 47,
            "same_site_as": ["07915"],
        }
    ]
    assert found.left_out == {"without position": 1}
    report = {"icaoId": "EBOS", "obsTime": 1, "lat": 51.2, "lon": 2.87, "elev": 4, "name": "Oostende Arpt, VL, BE"}
    assert [one["name"] for one in proposed("METAR", json.dumps([report, report])).stations] == [
        "Oostende Arpt, VL, BE"
    ]


def test_only_stations_near_a_place_are_proposed() -> None:
    found = proposed(SYNOP, POSTES, Place(50.63, 3.06, 20))
    assert [one["id"] for one in found.stations] == ["mf-synop-07915"]
    assert found.left_out["farther away"] == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (SYNOP, "<html>", "no station was found in it: the list of Météo-France SYNOP is postesSynop.csv"),
        (RMI, "<html>", "the list of stations cannot be read; it is the features of aws:aws_station"),
        (SYNOP, b"\xff\xfe\x00", "the list of stations cannot be read"),
        (SYNOP, "ID;Nom;Latitude;Longitude;Altitude\n1;A;95;3;4\n", "latitude"),
    ],
)
def test_a_list_of_another_form_is_a_fault_in_words(name: str, content: str | bytes, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        proposed(name, content)


@pytest.mark.parametrize("name", ["InfoClimat", "nobody"])
def test_a_network_without_a_list_is_reported_with_those_that_have_one(name: str) -> None:
    with pytest.raises(SettingError, match=r"lists are available for .*Météo-France SYNOP"):
        source_of(name)


def test_every_station_of_the_published_list_is_proposed(shared_data: Path) -> None:
    path = shared_data / "networks" / "meteofrance-synop" / "postesSynop_semicolon.csv"
    if not path.is_file():
        pytest.skip(f"real data is not here: {path}")
    found = proposed(SYNOP, path.read_bytes())
    lines = [line.split(";") for line in path.read_text("utf-8").splitlines()[1:]]
    fields = ("id", "name", "latitude", "longitude", "elevation")
    assert [tuple(one[name] for name in fields) for one in found.stations] == [
        (f"mf-synop-{int(own):05}", name, *map(float, place)) for own, name, *place in lines
    ]
    assert (len(found.stations), found.left_out) == (len(lines), {})
