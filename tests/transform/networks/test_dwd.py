"""Files of DWD's Climate Data Center, values of 10 minutes and of an hour, become observations."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from tests.networks import network, station
from tests.real_files import real_files
from tests.transform.samples import NOW, Result, batch_of

KEY = "dwd/file.zip"
FILES = real_files("dwd/*.zip")
STATIONS = network(
    *(replace(station(f"dwd-{name}"), network="DWD", network_id=name) for name in ("00003", "00096", "00183"))
)
TEMPERATURE = "STATIONS_ID;MESS_DATUM;  QN;PP_10;TT_10;TM5_10;RF_10;TD_10;eor"
ROW = "          3;201001010010;    3;  970.3;  -1.3;  -1.1;  97.2;  -1.7;eor"
NAME = "produkt_zehn_min_tu_20100101_20110331_00003.txt"
FLUX = "surface_downwelling_shortwave_flux_in_air"
# A table of each product: its rows, and of each the time and the values it stands for.
TABLES: dict[str, tuple[str, dict[str, Mapping[str, float]]]] = {
    "tu_10min": (
        f"{TEMPERATURE}\r\n{ROW}\r\n          3;201001010020;    2;  -999;  -1.2;  -999;  -999;  -999;eor",
        {
            "2010-01-01T00:10:00Z": {
                "surface_air_pressure": 970.3,
                "air_temperature": -1.3,
                "relative_humidity": 97.2,
                "dew_point_temperature": -1.7,
            },
            "2010-01-01T00:20:00Z": {"air_temperature": -1.2},
        },
    ),
    "ff_10min": (
        "STATIONS_ID;MESS_DATUM;  QN;FF_10;DD_10;eor\n          3;202412180300;    1;   5.0; 130;eor",
        {"2024-12-18T03:00:00Z": {"wind_speed": 5.0, "wind_from_direction": 130.0}},
    ),
    "fx_10min": (
        "STATIONS_ID;MESS_DATUM;  QN;FX_10;FNX_10;FMX_10;DX_10;eor\n3;202412180300;1;7.9;3.1;6.0;140;eor",
        {"2024-12-18T03:00:00Z": {"wind_speed_of_gust_10min": 7.9}},
    ),
    "rr_10min": (
        "STATIONS_ID;MESS_DATUM;  QN;RWS_DAU_10;RWS_10;RWS_IND_10;eor\n3;201911290000;    3;  10;   0.13;   1;eor",
        {"2019-11-29T00:00:00Z": {"precipitation_amount_10min": 0.13}},
    ),
    "sd_10min": (
        "STATIONS_ID;MESS_DATUM;  QN;DS_10;GS_10;SD_10;LS_10;eor\n3;201907291200;    3;  12.0;  48.0;   0.150;-999;eor",
        {"2019-07-29T12:00:00Z": {f"{FLUX}_10min": 800.0, "duration_of_sunshine_10min": 9.0}},
    ),
    "tu_1h": (
        "STATIONS_ID;MESS_DATUM;QN_9;TT_TU;RF_TU;eor\n3;2025011900;    3;  -1.9; 100.0;eor",
        {"2025-01-19T00:00:00Z": {"air_temperature": -1.9, "relative_humidity": 100.0}},
    ),
    "td_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;  TT;  TD;eor\n3;2025011900;    3;  -1.9; -2.0;eor",
        {"2025-01-19T00:00:00Z": {"air_temperature": -1.9, "dew_point_temperature": -2.0}},
    ),
    "p0_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;   P;  P0;eor\n3;2025011900;    3; 1021.4;  996.1;eor",
        {"2025-01-19T00:00:00Z": {"air_pressure_at_mean_sea_level": 1021.4, "surface_air_pressure": 996.1}},
    ),
    "ff_1h": (
        "STATIONS_ID;MESS_DATUM;QN_3;   F;   D;eor\n3;2025011900;   10;   2.6;  80;eor",
        {"2025-01-19T00:00:00Z": {"wind_speed": 2.6, "wind_from_direction": 80.0}},
    ),
    "fx_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;FX_911;eor\n3;2025011900;    3;  11.2;eor",
        {"2025-01-19T00:00:00Z": {"wind_speed_of_gust_1h": 11.2}},
    ),
    "rr_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;  R1;RS_IND;WRTR;eor\n3;2025011900;    3;   0.4;   1;   6;eor",
        {"2025-01-19T00:00:00Z": {"precipitation_amount_1h": 0.4}},
    ),
    "n_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;V_N_I;V_N;eor\n96;2025020800;    3;   P;      7;eor\n96;2025020801;3;I;-1;eor",
        {"2025-02-08T00:00:00Z": {"cloud_area_fraction": 7.0}, "2025-02-08T01:00:00Z": {"cloud_area_fraction": 9.0}},
    ),
    "vv_1h": (
        "STATIONS_ID;MESS_DATUM;QN_8;V_VV_I;V_VV;eor\n96;2025020800;    3;   P;  18770;eor",
        {"2025-02-08T00:00:00Z": {"visibility_in_air": 18770.0}},
    ),
    "sd_1h": (
        "STATIONS_ID;MESS_DATUM;QN_7;SD_SO;eor\n96;2025020812;    3;  42.0;eor",
        {"2025-02-08T12:00:00Z": {"duration_of_sunshine_1h": 42.0}},
    ),
    "eb_1h": (
        (
            "STATIONS_ID;MESS_DATUM;QN_2;V_TE002;V_TE005;V_TE010;V_TE020;V_TE050;V_TE100;eor\n"
            "96;2025020812;3;2.1;2.2;2.3;2.4;3.5;4.6;eor"
        ),
        {
            "2025-02-08T12:00:00Z": {
                f"soil_temperature_{depth}cm": value
                for depth, value in ((5, 2.2), (10, 2.3), (20, 2.4), (50, 3.5), (100, 4.6))
            }
        },
    ),
    "st_1h": (
        (
            "STATIONS_ID;MESS_DATUM;QN_592;ATMO_LBERG;FD_LBERG;FG_LBERG;SD_LBERG;ZENIT;MESS_DATUM_WOZ;eor\n"
            "183;2023021011:20;    1;   110;    20;    72;   31;  65.1;2023021012:00;eor"
        ),
        {"2023-02-10T11:20:00Z": {f"{FLUX}_1h": 200.0}},
    ),
}


def packed(members: Mapping[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text.encode("latin-1"))
    return content.getvalue()


Read = Callable[[bytes], tuple[Result, ObjectTransformer]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """What extract and transform make of an object."""

    def read(content: bytes) -> tuple[Result, ObjectTransformer]:
        path = tmp_path / "object"
        path.write_bytes(content)
        transformer = ObjectTransformer(KEY, STATIONS, datetime(2025, 3, 1, tzinfo=UTC))
        raw = RawObject(KEY, "a", len(content), "etag", NOW)
        return Result.of(transformer, extract(path, raw, NETWORKS, Limits(), NOW)), transformer

    return read


@pytest.mark.parametrize("column", ["XX_10", "FX_10_NEU"])
def test_parameters_of_another_product_are_not_reported_as_renamed(column: str, tmp_path: Path) -> None:
    """The station's gusts are in a file of their own."""
    reported = ("air_temperature", "relative_humidity", "wind_speed_of_gust_10min", "surface_air_pressure")
    stations = network(*(replace(one, parameters=reported) for one in STATIONS))
    path = tmp_path / "object"
    path.write_text(f"{TEMPERATURE};{column}\n{ROW};1.0\n", "utf-8")
    transformer = ObjectTransformer(KEY, stations, datetime(2025, 3, 1, tzinfo=UTC))
    Result.of(transformer, extract(path, RawObject(KEY, "a", 1, "etag", NOW), NETWORKS, Limits(), NOW))
    assert (list(transformer.reading.unknown), transformer.renamed) == ([column], [])


@pytest.mark.parametrize("group", TABLES)
def test_each_product_is_read_in_our_units_as_a_group_of_its_own(read: Read, group: str) -> None:
    table, wanted = TABLES[group]
    result, transformer = read(packed({f"produkt_{group}_20100101_20251231_00003.txt": table}))
    assert (result.stamps, result.rejected) == (list(wanted), [])
    for row, values in enumerate(wanted.values()):
        assert result.values(row) == pytest.approx(values)
        assert result.observations[row]["parameter_group"] == group
    assert transformer.reading.unknown == {}


def test_every_product_that_is_declared_has_a_table_here() -> None:
    (dwd,) = (known for known in NETWORKS if known.name == "DWD")
    assert [layout.group for layout in dwd.layouts] == list(TABLES)


def test_descriptions_in_a_zip_are_ignored_and_each_table_is_read_by_itself(read: Read) -> None:
    content = packed(
        {
            "Metadaten_Geographie_00003.txt": "Stations_id;Stationshoehe\n3;202",
            "produkt_tu_stunde_a_00003.txt": TABLES["tu_1h"][0],
            "produkt_ff_stunde_a_00003.txt": TABLES["ff_1h"][0],
            "Metadaten_Parameter_tu_stunde_00003.html": "<html>",
        }
    )
    result, _ = read(content)
    assert [(row["parameter_group"], row["source_row"]) for row in result.observations] == [
        ("tu_1h", "produkt_tu_stunde_a_00003.txt line 2"),
        ("ff_1h", "produkt_ff_stunde_a_00003.txt line 2"),
    ]
    assert {row["station_id"] for row in result.observations} == {"dwd-00003"}


def test_a_member_that_is_not_read_is_quarantined_by_its_name(read: Read) -> None:
    table = TABLES["tu_1h"][0]
    beside = {"daten_00096.txt": table, "more.zip": "PK", "produkt_ff_stunde_b_00003.txt": ""}
    result, _ = read(packed({"produkt_tu_stunde_a_00003.txt": table, **beside}))
    assert len(result.observations) == 1
    unread = "neither a table of observations (produkt_…txt) nor a description (Metadaten_…), so it is not read"
    assert [(row["position"], row["reason"]) for row in result.rejected] == [
        ("daten_00096.txt", unread),
        ("more.zip", unread),
        ("produkt_ff_stunde_b_00003.txt", "an empty table, without even a header"),
    ]


def test_tables_of_two_products_in_one_are_not_read_as_one(read: Read) -> None:
    """Wind speed and direction would be temperature and humidity."""
    with pytest.raises(ObjectRejectedError, match=r"^line 3 is a second header, .* \(QN_3, F, D\)"):
        read(f"{TABLES['tu_1h'][0]}\n{TABLES['ff_1h'][0]}\n".encode())


@pytest.mark.parametrize(
    "pack",
    [lambda text: gzip.compress(packed({NAME: text})), lambda text: text.encode("utf-16")],
    ids=["zip in a gzip", "UTF-16"],
)
def test_a_file_that_another_tool_has_packed_or_saved_again_is_read(read: Read, pack: Callable[[str], bytes]) -> None:
    result, _ = read(pack(f"{TEMPERATURE}\r\n{ROW}\r\n"))
    assert result.stamps == ["2010-01-01T00:10:00Z"]


@pytest.mark.parametrize(
    ("table", "stamps"),
    [
        (
            (
                "STATIONS_ID;MESS_DATUM;  QN;FF_10;DD_10;eor\n"
                "3;199907010000;1;5.0;130;eor\n3;199912312350;1;5.0;130;eor\n3;200001010000;1;5.0;130;eor"
            ),
            ["1999-06-30T23:00:00Z", "1999-12-31T22:50:00Z", "2000-01-01T00:00:00Z"],
        ),
        (
            "STATIONS_ID;MESS_DATUM;QN_3;F;D;eor\n3;1999123123;1;5.0;130;eor\n3;2000010100;1;5.0;130;eor",
            ["1999-12-31T22:00:00Z", "2000-01-01T00:00:00Z"],
        ),
    ],
    ids=["10 minutes", "hourly"],
)
def test_times_before_2000_are_in_central_european_time_all_the_year(read: Read, table: str, stamps: list[str]) -> None:
    assert read(packed({NAME: table}))[0].stamps == stamps


def test_the_level_of_quality_control_is_kept_with_each_value(read: Read) -> None:
    result, _ = read(packed({NAME: TABLES["tu_10min"][0]}))
    assert result.observations[1]["source_flags"] == '{"air_temperature": 2}'


def test_a_sky_that_could_not_be_seen_is_noted(read: Read) -> None:
    result, _ = read(packed({NAME: TABLES["n_1h"][0]}))
    assert result.issues(1) == [("cloud_area_fraction", "-1", "the code of a sky obscured, 9 okta")]


@pytest.mark.parametrize("end", ["", "\r\n", "\r\n\x1a", "\r\n\r\n"])
def test_a_table_without_its_zip_is_read_too_however_it_ends(read: Read, end: str) -> None:
    result, _ = read(f"{TEMPERATURE}\r\n{ROW}{end}".encode("latin-1"))
    assert (result.stamps, result.rows_read) == (["2010-01-01T00:10:00Z"], 1)


def test_rows_that_another_program_has_read_keep_their_station(read: Read) -> None:
    """A tool takes the id for a number, and pads or trims nothing."""
    result = Result.of(
        ObjectTransformer(KEY, STATIONS, NOW),
        [batch_of([{"STATIONS_ID": 3, "MESS_DATUM": 201001010010, "QN": 3, "FF_10": 5.0, "DD_10": 130}])],
    )
    assert [(row["station_id"], row["wind_speed"]) for row in result.observations] == [("dwd-00003", 5.0)]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("3;201001010010;3;970.3;eor", "malformed_record"),
        ("3;201001010010;3;970.3;-1.3;-1.1;97.2;-1.7;e", "malformed_record"),
        ("3;201013010010;3;970.3;-1.3;-1.1;97.2;-1.7;eor", "bad_timestamp"),
        ("3;;3;970.3;-1.3;-1.1;97.2;-1.7;eor", "no_timestamp"),
        ("4;201001010010;3;970.3;-1.3;-1.1;97.2;-1.7;eor", "unknown_station"),
    ],
)
def test_only_a_bad_row_is_quarantined(read: Read, row: str, code: str) -> None:
    result, _ = read(packed({NAME: f"{TEMPERATURE}\n{row}\n{ROW}"}))
    assert (result.stamps, result.codes) == (["2010-01-01T00:10:00Z"], [code])


WHOLE = packed({NAME: "\n".join([TEMPERATURE, *[ROW] * 400])})


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (WHOLE[:200], "not_data", "damaged or truncated"),
        (WHOLE[:90] + bytes(40) + WHOLE[130:], "not_data", "damaged or truncated"),
        (packed({"Metadaten_Geographie_00003.txt": "a;b"}), "unknown_layout", "no table of observations"),
        (
            packed({NAME: "STATIONS_ID;MESS_DATUM;  QN;TX_10;TX5_10;TN_10;TN5_10;eor\n3;201001010010;3;1;1;1;1;eor"}),
            "unknown_layout",
            "no known network",
        ),
    ],
    ids=["cut off", "damaged", "without a table", "another product"],
)
def test_a_file_that_cannot_be_read_is_rejected_with_its_name(
    read: Read, content: bytes, code: str, words: str
) -> None:
    with pytest.raises(ObjectRejectedError) as caught:
        read(content)
    assert caught.value.code == code
    assert words in caught.value.message


def test_a_table_that_would_unpack_to_more_than_any_real_one_is_not_unpacked(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecast.networks.dwd.archive._MAX_BYTES", 1000)
    with pytest.raises(ObjectRejectedError) as caught:
        read(WHOLE)
    assert caught.value.code == "too_large"


def test_no_parameter_of_two_products_of_one_interval_is_of_another_period() -> None:
    """Sums, gusts and means of a period say so in their name."""
    (dwd,) = (known for known in NETWORKS if known.name == "DWD")
    known = {parameter.name for parameter in PARAMETERS}
    for layout in dwd.layouts:
        period = layout.group.rpartition("_")[2]
        for field in layout.fields.values():
            ends = field.parameter.rpartition("_")[2]
            assert field.parameter in known
            assert ends == period or not ends[0].isdigit() or ends.endswith("cm"), field.parameter


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_a_real_file_is_what_stands_in_it(read: Read, file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
        header, *rows = archive.read(name).decode("latin-1").split("\r\n")[:-1]
    wanted = {}
    names = [cell.strip() for cell in header.split(";")]
    for row in rows:
        cells = dict(zip(names, (cell.strip() for cell in row.split(";")), strict=True))
        day = cells["MESS_DATUM"]
        wanted[f"{day[:4]}-{day[4:6]}-{day[6:8]}T{day[8:10]}:{day[10:]}:00Z"] = {
            "surface_air_pressure": float(cells["PP_10"]),
            "air_temperature": float(cells["TT_10"]),
            "relative_humidity": float(cells["RF_10"]),
            "dew_point_temperature": float(cells["TD_10"]),
        }
    result, _ = read(file.read_bytes())
    assert {stamp: result.values(at) for at, stamp in enumerate(result.stamps)} == wanted
    assert (len(wanted), result.rejected) == (20, [])
