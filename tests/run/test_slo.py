"""Where the service level objectives of a command come from: SLO_URI."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from forecast.core.errors import SettingError
from forecast.core.settings import load_settings
from forecast.core.slo import default_slos
from forecast.run.slo import configured_slos
from tests.slo import query_slo, slo_file


def test_without_the_setting_they_are_the_built_in_ones() -> None:
    assert configured_slos(load_settings({})) == default_slos()


def test_a_file_takes_their_place(tmp_path: Path) -> None:
    slos = configured_slos(load_settings({"SLO_URI": slo_file(tmp_path, 12.5, clients="3")}))
    assert (slos.queries.latest, slos.clients) == (query_slo(12.5), 3)


def test_the_file_may_be_on_s3(s3_bucket: str, tmp_path: Path) -> None:
    boto3.client("s3").upload_file(slo_file(tmp_path, 12.5), s3_bucket, "config/slo.toml")
    slos = configured_slos(load_settings({"SLO_URI": f"s3://{s3_bucket}/config/slo.toml"}))
    assert slos.queries.station_day == query_slo(12.5)


def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"there is no file .*no\.toml \(SLO_URI\)"):
        configured_slos(load_settings({"SLO_URI": str(tmp_path / "no.toml")}))
