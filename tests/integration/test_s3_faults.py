"""Whole runs on an S3 with faults: messages, the good objects are loaded, and the next run loads the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import forecast.storage.s3
from tests.examples import for_the_night
from tests.integration.faulty_s3 import (
    CALM,
    Fault,
    FaultyS3,
    answers,
    breaks_off,
    comes_after,
    faulty_s3,
    hangs_up,
    has_headers,
    in_pages_of,
    is_cut,
    is_garbled,
    is_silent,
    patience_for,
    says,
    trickles,
)
from tests.integration.worlds import Row, World, WorldMaker, assert_reports_hold

DOCUMENT = "infoclimat/Data_Source1_011024-031024.json"
BEFORE, SPOILT, AFTER = KEYS = [f"infoclimat/{name}.json" for name in ("a", "b", "c")]
ROWS_OF_A_STATION = 5
LIST = "list-type=2"


@dataclass(frozen=True)
class Ending:
    """What all runs together made of the raw zone."""

    documents: dict[str, tuple[str, Row]]
    processed_keys: list[str]
    raw_keys: set[str]  # that count as processed


def ending(world: World) -> Ending:
    raw_keys = {uri.removeprefix(world.raw.uri) for uri in world.checkpoints()}
    return Ending(world.contents(), world.record_keys() + world.rejected_keys(), raw_keys)


@pytest.fixture(scope="module")
def objects(demo_data: Path) -> dict[str, bytes]:
    """Three objects of a few rows of every station each."""
    document = json.loads((demo_data / DOCUMENT).read_bytes())
    made = {}
    for number, key in enumerate(KEYS):
        rows = slice(number * ROWS_OF_A_STATION, (number + 1) * ROWS_OF_A_STATION)
        hourly = {
            station: given[rows] if station != "_params" else given for station, given in document["hourly"].items()
        }
        made[key] = json.dumps({**document, "hourly": hourly}).encode()
    return made


def delivered(make_world: WorldMaker, objects: dict[str, bytes]) -> World:
    world = make_world()
    for key, content in objects.items():
        world.raw.put(key, content)
    return world


@pytest.fixture(scope="module")
def undisturbed(s3_world: WorldMaker, objects: dict[str, bytes]) -> Ending:
    """What is there after one run without any fault."""
    world = delivered(s3_world, objects)
    assert world.run()["exit_code"] == 0
    return ending(world)


@pytest.fixture
def world(s3_world: WorldMaker, objects: dict[str, bytes]) -> World:
    """A world with three objects, which its own zones reach past the proxy."""
    return delivered(s3_world, objects)


@pytest.fixture
def s3(world: World, s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """The proxy that the program uses."""
    with faulty_s3(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        monkeypatch.setattr(forecast.storage.s3, "RETRY_POLICY", CALM)
        yield proxy


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], None]:
    """Gives the program the patience that a test of a fault can do with."""
    return lambda fault: monkeypatch.setattr(forecast.storage.s3, "RETRY_POLICY", patience_for(fault))


def assert_mended(world: World, s3: FaultyS3, undisturbed: Ending) -> None:
    """The next run, without the fault, makes good what is missing."""
    s3.mend()
    status = world.run()
    assert (status["status"], status["exit_code"], status["errors"]) == ("success", 0, [])
    assert ending(world) == undisturbed
    assert_reports_hold(world)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (says(503, "SlowDown"), "S3 answered SlowDown; run again"),
        # Of each of these the store tells as much (tests/storage/test_s3_faults.py).
        *for_the_night(
            (is_garbled(), "the received bytes do not match S3's checksum; run again"),
            (says(403, "InvalidObjectState"), "it is archived; restore it, then run again"),
            (says(429, "TooManyRequests"), "S3 answered TooManyRequests; run again"),
            (says(500, "InternalError"), "S3 answered InternalError; run again"),
            (hangs_up, "the connection was lost; run again"),
            (breaks_off, "the connection was lost; run again"),
            (trickles, "the connection was lost; run again"),
            (is_silent, "S3 does not answer at {s3}; is AWS_ENDPOINT_URL right? Otherwise, run again"),
            (is_cut, "the received bytes do not match S3's checksum; run again"),
        ),
    ],
    ids=["503", "garbled", "archived", "429", "500", "hangs up", "breaks off", "trickles", "silent", "cut"],
)
def test_object_that_cannot_be_read_fails_alone(
    world: World, s3: FaultyS3, patient: Callable[[Fault], None], undisturbed: Ending, fault: Fault, words: str
) -> None:
    patient(fault)
    s3.spoil("GET", SPOILT, fault)
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 1)
    message = f"{world.raw.uri} could not be read: {SPOILT}: {words.format(s3=s3.endpoint)}"
    assert status["errors"] == [{"object": SPOILT, "code": "unreadable", "message": message, "known": False}]
    counts = status["counts"]
    assert (counts["objects_loaded"], counts["objects_failed"], counts["objects_rejected"]) == (2, 1, 0)
    assert ending(world).raw_keys == {BEFORE, AFTER}
    assert ending(world).documents.items() < undisturbed.documents.items()
    assert_mended(world, s3, undisturbed)


def test_object_of_another_version_than_listed_fails_alone(world: World, s3: FaultyS3, undisturbed: Ending) -> None:
    s3.spoil("GET", SPOILT, has_headers(ETag='"another"'))
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 1)
    (error,) = status["errors"]
    assert error["message"] == f"{world.raw.uri}{SPOILT} was replaced after it was listed; run again"
    assert_mended(world, s3, undisturbed)


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_object_that_changes_between_listing_and_reading_is_left_for_the_next_run(
    world: World,
    s3: FaultyS3,
    objects: dict[str, bytes],
    undisturbed: Ending,
    change: str,
) -> None:
    changes: dict[str, Callable[[], object]] = {
        "replaced": lambda: world.raw.put(SPOILT, objects[SPOILT]),
        "deleted": lambda: world.raw.delete(SPOILT),
    }
    if change == "replaced":
        world.raw.put(SPOILT, b"{}")
    s3.spoil("GET", SPOILT, comes_after(changes[change]), times=1)
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 1)
    assert [error["object"] for error in status["errors"]] == [SPOILT]
    assert "replaced or removed after it was listed" in status["errors"][0]["message"]
    assert ending(world).raw_keys == {BEFORE, AFTER}
    if change == "deleted":
        world.raw.put(SPOILT, objects[SPOILT])
    assert_mended(world, s3, undisturbed)


@pytest.mark.parametrize(
    ("method", "text", "fault"),
    [
        ("GET", SPOILT, breaks_off),
        ("GET", LIST, hangs_up),
        ("PUT", "observations/", says(500, "InternalError")),
        *for_the_night(
            ("PUT", "logs/", hangs_up),
            ("GET", SPOILT, says(503, "SlowDown")),
            ("GET", SPOILT, is_garbled()),
            ("GET", SPOILT, is_silent),
            ("GET", LIST, answers(b"<html>Log in</html>")),
            ("PUT", "observations/", hangs_up),
        ),
    ],
)
def test_a_temporary_fault_changes_nothing(
    world: World,
    s3: FaultyS3,
    patient: Callable[[Fault], None],
    undisturbed: Ending,
    method: str,
    text: str,
    fault: Fault,
) -> None:
    patient(fault)
    s3.spoil(method, text, fault, times=1)
    status = world.run()
    assert (status["status"], status["exit_code"], status["errors"]) == ("success", 0, [])
    assert ending(world) == undisturbed


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (says(500, "InternalError"), "S3 answered InternalError; run again"),
        *for_the_night(
            (says(503, "SlowDown"), "S3 answered SlowDown; run again"),
            (answers(b""), "the response is not a listing of this bucket; run again"),
            (is_silent, "S3 does not answer at {s3}; is AWS_ENDPOINT_URL right? Otherwise, run again"),
        ),
    ],
    ids=["500", "503", "empty", "silent"],
)
def test_a_listing_that_breaks_off_is_not_used(
    world: World, s3: FaultyS3, patient: Callable[[Fault], None], undisturbed: Ending, fault: Fault, words: str
) -> None:
    patient(fault)
    s3.spoil("GET", "continuation-token", fault)
    s3.spoil("GET", LIST, in_pages_of(2))
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    assert [error["message"] for error in status["errors"]] == [
        f"{world.raw.uri} could not be listed: {words.format(s3=s3.endpoint)}"
    ]
    assert world.documents() == {}
    assert_mended(world, s3, undisturbed)


def test_server_that_never_answers_ends_the_run(
    world: World, s3: FaultyS3, patient: Callable[[Fault], None], undisturbed: Ending
) -> None:
    patient(is_silent)
    for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
        s3.spoil(method, "", is_silent)
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 1)
    words = f"S3 does not answer at {s3.endpoint}; is AWS_ENDPOINT_URL right? Otherwise, run again"
    assert [error["message"] for error in status["errors"]] == [f"{world.raw.uri} could not be listed: {words}"]
    assert world.status()["exit_code"] == 1
    assert_mended(world, s3, undisturbed)


def test_a_silent_server_is_not_called_for_every_object(
    world: World, s3: FaultyS3, patient: Callable[[Fault], None], objects: dict[str, bytes], undisturbed: Ending
) -> None:
    patient(is_silent)
    for key in KEYS:
        s3.spoil("GET", key, is_silent)
    more = [f"infoclimat/d{number}.json" for number in range(20)]
    for key in more:
        world.raw.put(key, objects[SPOILT])
        s3.spoil("GET", key, is_silent)
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 1)
    assert status["counts"]["objects_failed"] == 23
    untried = [
        error
        for error in status["errors"]
        if f"not tried, because S3 at {s3.endpoint} had stopped responding" in error["message"]
    ]
    # Two silences are enough; of the objects that were being read then, one more came to its end.
    assert len(untried) >= len(more)
    for key in more:
        world.raw.delete(key)
    assert_mended(world, s3, undisturbed)


@pytest.mark.parametrize(
    ("method", "text", "what"),
    [
        ("GET", LIST, "listed"),
        ("PUT", "observations/", "written: observations/"),
    ],
)
def test_access_that_is_denied_is_exit_code_2(
    world: World, s3: FaultyS3, undisturbed: Ending, method: str, text: str, what: str
) -> None:
    s3.spoil(method, text, says(403, "AccessDenied"))
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 2)
    (error,) = [error for error in status["errors"] if error["object"] is None]
    assert f"could not be {what}" in error["message"]
    assert error["message"].endswith("access denied (AccessDenied); check the credentials and the role")
    assert ending(world).documents.items() <= undisturbed.documents.items()
    assert_mended(world, s3, undisturbed)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("KMS.DisabledException", says(400, "KMS.DisabledException")),
        *for_the_night(
            ("AccessDenied", says(403, "AccessDenied")),
            ("InvalidRequest", says(400, "InvalidRequest")),
        ),
    ],
)
def test_case_101_an_object_that_may_not_be_read_fails_alone(
    world: World, s3: FaultyS3, undisturbed: Ending, code: str, fault: Fault
) -> None:
    s3.spoil("GET", SPOILT, fault)
    for _ in range(2):
        status = world.run()
        assert (status["status"], status["exit_code"]) == ("partial", 2)
        message = (
            f"{world.raw.uri} could not be read: {SPOILT}: access denied ({code}); check the rights on this object, "
            "and on the key that it is encrypted with"
        )
        assert status["errors"] == [{"object": SPOILT, "code": "access_denied", "message": message, "known": False}]
        assert ending(world).raw_keys == {BEFORE, AFTER}
    assert_mended(world, s3, undisturbed)


@pytest.mark.parametrize("code", ["ExpiredToken", *for_the_night("InvalidAccessKeyId", "SignatureDoesNotMatch")])
def test_credentials_that_are_rejected_during_a_run_end_it(world: World, s3: FaultyS3, code: str) -> None:
    s3.spoil("GET", SPOILT, says(403, code))
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("failed", 2)
    assert [error["object"] for error in status["errors"] if error["object"] is None] == [None]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (hangs_up, "the connection was lost; run again"),
        *for_the_night(
            (says(500, "InternalError"), "S3 answered InternalError; run again"),
            (is_silent, "S3 does not answer at {s3}; is AWS_ENDPOINT_URL right? Otherwise, run again"),
        ),
    ],
    ids=["half of it", "500", "silent"],
)
def test_if_a_file_cannot_be_written_neither_it_nor_its_documents_exist(
    world: World, s3: FaultyS3, patient: Callable[[Fault], None], undisturbed: Ending, fault: Fault, words: str
) -> None:
    patient(fault)
    s3.spoil("PUT", "observations/", fault)
    status = world.run()
    assert status["exit_code"] == 1
    assert status["errors"][0]["message"].startswith(f"{world.processed.uri} could not be written: observations/")
    assert status["errors"][0]["message"].endswith(words.format(s3=s3.endpoint))
    assert status["counts"]["objects_rejected"] == 0
    assert (world.record_keys(), world.documents(), world.checkpoints()) == ([], {}, {})
    assert_mended(world, s3, undisturbed)


def test_a_report_that_cannot_be_copied_does_not_fail_the_run(
    world: World, s3: FaultyS3, undisturbed: Ending, caplog: pytest.LogCaptureFixture
) -> None:
    s3.spoil("PUT", "logs/", says(403, "AccessDenied"))
    status = world.run()
    assert (status["status"], status["exit_code"]) == ("success", 0)
    assert ending(world) == undisturbed
    assert "pipeline_status.json was not copied" in caplog.text
