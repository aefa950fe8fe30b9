"""The image's entrypoint refuses settings that are missing or wrong, before it does anything else."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.operations.member import SETTINGS
from tests.waiting import WAIT_SECONDS

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "mongo"


def start(settings: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Exit code and log line of the entrypoint with only these settings."""
    done = subprocess.run(
        ["/bin/bash", FOLDER / "entrypoint.sh"],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    line: dict[str, str] = json.loads(done.stdout)
    return done.returncode, line


@pytest.mark.parametrize("name", SETTINGS)
def test_a_missing_setting_is_named(name: str) -> None:
    code, line = start({key: value for key, value in SETTINGS.items() if key != name})
    assert code == 64
    assert (line["level"], line["event"], line["message"]) == ("ERROR", "settings_wrong", f"{name} is not set")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("MONGO_MEMBER", "mongo-4.internal:27017", "MONGO_MEMBER is not one of MONGO_MEMBERS"),
        ("MONGO_MEMBER", "mongo-1.internal", "MONGO_MEMBER is not one of MONGO_MEMBERS"),
        ("MONGO_BOOTSTRAPPED", "yes", "MONGO_BOOTSTRAPPED must be true or false"),
    ],
)
def test_a_wrong_setting_is_explained(name: str, value: str, message: str) -> None:
    code, line = start({**SETTINGS, name: value})
    assert code == 64
    assert line["message"] == message


def test_the_readme_names_every_setting_and_every_event() -> None:
    readme = (FOLDER / "README.md").read_text()
    scripts = "".join(path.read_text() for path in FOLDER.iterdir() if path.name != "README.md")
    events = set(re.findall(r"(?:log (?:INFO|WARNING|ERROR)|wait_until) ([a-z_]+)", scripts))
    events |= set(re.findall(r"event: '([a-z_]+)'", scripts))
    assert events >= {"member_state", "rejoin_waiting", "rejoin_done", "mongod_starting", "settings_wrong"}
    for name in (*SETTINGS, *events):
        assert f"`{name}`" in readme, f"{name} is not in the README"


def test_the_base_image_is_pinned_by_digest() -> None:
    assert re.search(
        r"^ARG MONGO_IMAGE=mongo:8\.0@sha256:[0-9a-f]{64}$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE
    )
