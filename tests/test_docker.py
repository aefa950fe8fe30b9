"""What the images and the local stack promise, read from their files; building and breaking them is for the drills."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "docker" / "compose.yml").read_text("utf-8")


def test_the_image_has_the_dump_tools_of_its_own_mongodb() -> None:
    bases = [
        re.findall(r"^ARG MONGO_IMAGE=(\S+)$", (ROOT / file).read_text("utf-8"), re.MULTILINE)
        for file in ("Dockerfile", "docker/mongo/Dockerfile")
    ]
    assert bases[0] == bases[1]
    assert re.fullmatch(r"mongo:\d+\.\d+@sha256:[0-9a-f]{64}", bases[0][0])


def test_the_pipeline_runs_as_a_user_that_is_not_root_and_gets_signals_itself() -> None:
    last = IMAGE[IMAGE.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert re.findall(r"^ENTRYPOINT (.+)$", last, re.MULTILINE) == ['["pipeline"]']


def test_only_listed_files_get_into_the_image() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in {"#", ""}]
    assert lines[0] == "*"
    assert [line for line in lines if line.startswith("!")] == ["!pyproject.toml", "!poetry.lock", "!src"]


def test_no_port_of_the_local_stack_is_open_to_other_machines() -> None:
    ports = re.findall(r"ports: \[(.+)\]", COMPOSE)
    assert ports == ['"127.0.0.1:5000:5000"']


def test_every_container_of_the_pipeline_is_read_only_without_capabilities() -> None:
    shared = COMPOSE[COMPOSE.index("x-pipeline:") : COMPOSE.index("x-s3:")]
    for line in ("read_only: true", "cap_drop: [ALL]", 'security_opt: ["no-new-privileges:true"]'):
        assert line in shared
    assert "privileged: true" not in COMPOSE
