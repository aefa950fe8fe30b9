"""An S3 that is slow, silent, busy, broken or wrong: what is retried, what is reported, and that waits are bounded."""

from __future__ import annotations

import base64
import socket
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from forecast.core.errors import ForecastError, ObjectDeniedError, RetryableError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.storage import ObjectChangedError
from forecast.storage import s3 as s3_module
from forecast.storage.s3 import S3Store, _client
from forecast.storage.s3_errors import to_forecast_error
from tests.integration.faulty_s3 import (
    CALM,
    Answer,
    Exchange,
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

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT = bytes(range(256)) * 40
SECRET = "s3cr3t%2Fw0rd"
RIGHTS = "check the rights on this object, and on the key that it is encrypted with"


@pytest.fixture
def sound(s3_server: str, s3_bucket: str) -> S3Client:
    """The way past the proxy; it sends no checksums, so that there are none but the ETags."""
    config = Config(request_checksum_calculation="when_required")
    return boto3.client("s3", endpoint_url=s3_server, config=config)


@pytest.fixture
def s3(s3_server: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    """A proxy that boto3 uses."""
    with faulty_s3(s3_server) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


@pytest.fixture
def store(s3: FaultyS3, sound: S3Client, s3_bucket: str) -> S3Store:
    """A bucket behind the proxy, with one object in it."""
    sound.put_object(Bucket=s3_bucket, Key="zone/a", Body=CONTENT)
    return S3Store(f"s3://{s3_bucket}/zone/", CALM)


@pytest.fixture
def listed(store: S3Store) -> RawObject:
    """What the list says of that object."""
    (entry,) = store.list()
    return entry


def is_refused_by_a_proxy(exchange: Exchange) -> None:
    """403, with a page for people."""
    exchange.send(Answer(403, {"Content-Type": "text/html"}, b"<html>This address is blocked</html>"))


def is_a_delete_marker(exchange: Exchange) -> None:
    """405, as S3 answers for a version that is the mark of a removal."""
    exchange.send(Answer(405, {"x-amz-delete-marker": "true"}, b"<Error><Code>MethodNotAllowed</Code></Error>"))


PASSING: dict[str, Fault] = {
    "503": says(503, "SlowDown"),
    "429": says(429, "TooManyRequests"),
    "500": says(500, "InternalError"),
    "hangs up": hangs_up,
    "breaks off": breaks_off,
    "cut": is_cut,
    "garbled": is_garbled(),
    "silent": is_silent,
}


@pytest.mark.parametrize("name", PASSING)
def test_an_object_is_read_again_after_a_passing_fault(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path, name: str
) -> None:
    s3.spoil("GET", "zone/a", PASSING[name], times=1)
    S3Store(store.uri, patience_for(PASSING[name])).fetch(listed, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert s3.requests("GET", "zone/a") == 2


def test_a_slow_answer_is_waited_for_as_long_as_the_policy_says() -> None:
    config: Any = _client(replace(CALM, connect_seconds=7, read_seconds=40)).meta.config
    assert (config.connect_timeout, config.read_timeout) == (7, 40)


@pytest.mark.parametrize(
    ("fault", "kind", "words", "requests"),
    [
        (says(503, "SlowDown"), RetryableError, "S3 answered SlowDown; run again", 3),
        (says(429, "TooManyRequests"), RetryableError, "S3 answered TooManyRequests; run again", 3),
        (says(500, "InternalError"), RetryableError, "S3 answered InternalError; run again", 3),
        (hangs_up, RetryableError, "the connection was lost; run again", 3),
        (breaks_off, RetryableError, "the connection was lost; run again", 3),
        (is_cut, RetryableError, "5120 bytes were received instead of 10240; run again", 3),
        (is_garbled(), RetryableError, "the received bytes do not match the checksum of the ETag; run again", 3),
        (says(404, "NoSuchKey"), ObjectChangedError, "replaced or removed after it was listed; run again", 1),
        (says(403, "InvalidObjectState"), RetryableError, "it is archived; restore it, then run again", 1),
        (
            says(403, "AccessDenied"),
            ObjectDeniedError,
            f"access denied (AccessDenied); {RIGHTS}",
            1,
        ),
        (
            says(400, "KMS.DisabledException"),
            ObjectDeniedError,
            f"access denied (KMS.DisabledException); {RIGHTS}",
            1,
        ),
        # Servers that are not Amazon's, and proxies, have codes of their own, or none.
        (says(403, "AccountProblem"), ObjectDeniedError, f"access denied (AccountProblem); {RIGHTS}", 1),
        (says(401, "Unauthorized"), ObjectDeniedError, f"access denied (Unauthorized); {RIGHTS}", 1),
        (is_refused_by_a_proxy, ObjectDeniedError, f"access denied (403); {RIGHTS}", 1),
        (
            says(403, "RequestTimeTooSkewed"),
            SettingError,
            "the clock of this machine is wrong by more than 15 minutes",
            1,
        ),
        (says(404, "NoSuchBucket"), SettingError, "the bucket does not exist", 1),
        (says(404, "NoSuchVersion"), ObjectChangedError, "replaced or removed after it was listed; run again", 1),
        (is_a_delete_marker, ObjectChangedError, "replaced or removed after it was listed; run again", 1),
        (
            says(405, "MethodNotAllowed"),
            ObjectDeniedError,
            "S3 rejected the request (MethodNotAllowed); check this object",
            1,
        ),
        (says(400, "BadDigest"), RetryableError, "S3 answered BadDigest; run again", 1),
        (says(409, "OperationAborted"), RetryableError, "S3 answered OperationAborted; run again", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_lasting_fault_is_reported_after_a_few_tries(
    s3: FaultyS3,
    store: S3Store,
    listed: RawObject,
    tmp_path: Path,
    fault: Fault,
    kind: type[ForecastError],
    words: str,
    requests: int,
) -> None:
    s3.spoil("GET", "zone/a", fault)
    with pytest.raises(ForecastError) as caught:
        store.fetch(listed, tmp_path / "copy")
    assert type(caught.value) is kind
    assert caught.value.message == f"{store.uri} could not be read: a: {words}"
    assert s3.requests("GET", "zone/a") == requests


def test_a_response_that_only_trickles_in_is_abandoned(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path
) -> None:
    store = S3Store(store.uri, patience_for(trickles))
    s3.spoil("GET", "zone/a", trickles)
    with pytest.raises(RetryableError, match="the connection was lost"):
        store.fetch(listed, tmp_path / "copy")
    assert s3.requests("GET", "zone/a") == 1


def test_a_silent_server_is_called_a_few_times_and_then_not_again(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path
) -> None:
    store = S3Store(store.uri, replace(patience_for(is_silent), tries=1))
    s3.spoil("GET", "zone/a", is_silent)
    for _ in range(CALM.breaker_threshold):
        with pytest.raises(RetryableError, match="S3 does not answer"):
            store.fetch(listed, tmp_path / "copy")
    before = s3.requests("GET", "zone/a")
    with pytest.raises(
        RetryableError, match=r"not tried, because S3 at http://[^ ]+ had stopped responding; run again"
    ):
        store.fetch(listed, tmp_path / "copy")
    assert s3.requests("GET", "zone/a") == before


def test_an_answer_in_between_ends_a_silence(s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path) -> None:
    store = S3Store(store.uri, replace(patience_for(is_silent), tries=1))
    for _ in range(CALM.breaker_threshold):
        s3.spoil("GET", "zone/a", is_silent)
        with pytest.raises(RetryableError, match="S3 does not answer"):
            store.fetch(listed, tmp_path / "copy")
        s3.mend()
        store.fetch(listed, tmp_path / "copy")


def test_a_host_without_an_address_is_reported(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.invalid:9000")
    with pytest.raises(RetryableError) as caught:
        list(S3Store(f"s3://{s3_bucket}/", CALM).list())
    assert caught.value.message == (
        f"s3://{s3_bucket}/ could not be listed: the host name of http://s3.invalid:9000 does not resolve; is "
        "AWS_ENDPOINT_URL right? Otherwise, run again"
    )


def test_a_name_server_that_does_not_answer_is_distinguished(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example:9000")
    monkeypatch.setattr(socket, "getaddrinfo", no_answer)
    with pytest.raises(RetryableError) as caught:
        list(S3Store(f"s3://{s3_bucket}/", CALM).list())
    assert caught.value.message == (
        f"s3://{s3_bucket}/ could not be listed: DNS did not answer for the host name of http://s3.example:9000; "
        "run again"
    )


def test_a_list_that_a_proxy_refuses_is_denied(s3: FaultyS3, store: S3Store) -> None:
    s3.spoil("GET", "list-type", is_refused_by_a_proxy)
    with pytest.raises(SettingError, match=r"could not be listed: access denied \(403\); check the credentials"):
        list(store.list())


def test_a_server_that_does_not_speak_tls_is_reported(
    s3: FaultyS3, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = s3.endpoint.replace("http:", "https:")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(RetryableError) as caught:
        list(S3Store(f"s3://{s3_bucket}/", CALM).list())
    assert caught.value.message == (
        f"s3://{s3_bucket}/ could not be listed: no TLS connection could be made with {endpoint}; is AWS_ENDPOINT_URL "
        "right? Otherwise, run again"
    )


def test_a_certificate_that_is_not_accepted_is_reported() -> None:
    cause = OSError("[SSL: CERTIFICATE_VERIFY_FAILED] has expired")
    error = SSLError(endpoint_url="https://s3:9000/?secret", error=cause)
    told = to_forecast_error(error, "s3://raw/", "listed", "https://s3:9000")
    assert (told.exit_code, told.message) == (
        2,
        (
            "s3://raw/ could not be listed: the certificate of https://s3:9000 was not accepted; check AWS_CA_BUNDLE "
            "and the host in AWS_ENDPOINT_URL"
        ),
    )


def test_an_invalid_region_is_reported(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "not a region")
    s3_module._session.cache_clear()
    with pytest.raises(SettingError, match=r"an AWS setting is invalid \(InvalidRegionError\); check AWS_\*"):
        S3Store(f"s3://{s3_bucket}/", CALM)


@pytest.mark.parametrize("code", ["TokenRefreshRequired", "InvalidArgument"])
def test_a_request_that_s3_rejects_is_not_to_be_run_again(s3: FaultyS3, store: S3Store, code: str) -> None:
    s3.spoil("GET", "list-type", says(400, code))
    with pytest.raises(SettingError) as caught:
        list(store.list())
    assert caught.value.message == (
        f"{store.uri} could not be listed: S3 rejected the request ({code}); check AWS_* and the policy of the bucket"
    )


def test_a_try_that_failed_is_counted_in_the_log(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    s3.spoil("GET", "zone/a", says(503, "SlowDown"), times=2)
    store.fetch(listed, tmp_path / "copy")
    words = f"trying again: {store.uri} could not be read: a: S3 answered SlowDown"
    told = [message for message in caplog.messages if "attempt" in message]
    assert told == [f"attempt {number} of 3 failed, {words}" for number in (1, 2)]


def test_an_unreachable_server_is_reported(store: S3Store, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(RetryableError, match=r"nothing listens at http://127\.0\.0\.1:1 \(connection refused\)"):
        list(S3Store(f"s3://{s3_bucket}/", CALM).list())


@pytest.mark.parametrize(
    "address", [f"http://ann:{SECRET}@127.0.0.1:1", f"ann:{SECRET}@127.0.0.1:1", f"http://127.0.0.1:{SECRET}", "here"]
)
def test_an_address_that_cannot_be_is_a_setting_error_and_stays_secret(
    s3_bucket: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(SettingError) as caught:
        list(S3Store(f"s3://{s3_bucket}/", CALM).list())
    assert "AWS_" in caught.value.message
    assert "3cr3t" not in caught.value.message


def test_a_missing_profile_is_a_setting_error(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3_module._session.cache_clear()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SettingError, match=r"an AWS setting is invalid \(ProfileNotFound\); check AWS_\*"):
        S3Store(f"s3://{s3_bucket}/", CALM)


def test_a_checksum_that_s3_keeps_is_compared_with_the_bytes(
    s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str, tmp_path: Path
) -> None:
    # Of an object in parts, the ETag says nothing of its content.
    upload = sound.create_multipart_upload(Bucket=s3_bucket, Key="zone/a")["UploadId"]
    part = sound.upload_part(Bucket=s3_bucket, Key="zone/a", UploadId=upload, PartNumber=1, Body=CONTENT)
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    sound.complete_multipart_upload(Bucket=s3_bucket, Key="zone/a", UploadId=upload, MultipartUpload=parts)  # type: ignore[arg-type]
    (listed,) = store.list()
    assert listed.etag.endswith('-1"')
    store.fetch(listed, tmp_path / "copy")
    right, wrong = (base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode() for data in (CONTENT, b"other"))
    s3.spoil("GET", "zone/a", has_headers(**{"x-amz-checksum-crc32": right}), times=1)
    store.fetch(listed, tmp_path / "copy")
    s3.spoil("GET", "zone/a", has_headers(**{"x-amz-checksum-crc32": wrong}))
    with pytest.raises(RetryableError, match="do not match S3's checksum"):
        store.fetch(listed, tmp_path / "copy")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption": "aws:kms:dsse"},
        {"x-amz-server-side-encryption-customer-algorithm": "AES256"},
    ],
)
def test_an_etag_under_a_customer_key_is_not_a_checksum(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path, headers: dict[str, str]
) -> None:
    s3.spoil("GET", "zone/a", is_garbled(**headers))
    store.fetch(listed, tmp_path / "copy")
    s3.mend()
    s3.spoil("GET", "zone/a", is_garbled(**{"x-amz-server-side-encryption": "AES256"}))
    with pytest.raises(RetryableError, match="checksum of the ETag"):
        store.fetch(listed, tmp_path / "copy")


def test_a_version_other_than_the_requested_one_is_not_accepted(
    s3: FaultyS3, store: S3Store, listed: RawObject, tmp_path: Path
) -> None:
    s3.spoil("GET", "zone/a", has_headers(ETag='"another"'))
    with pytest.raises(ObjectChangedError, match="zone/a was replaced after it was listed; run again"):
        store.fetch(listed, tmp_path / "copy")


def test_a_full_disk_is_reported_as_such(store: S3Store, listed: RawObject) -> None:
    with pytest.raises(RetryableError, match=r"zone/a cannot be copied to /dev: No space left on device; free some"):
        store.fetch(listed, Path("/dev/full"))


def test_a_list_comes_in_pages_and_each_is_asked_for_again(
    s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str
) -> None:
    for name in "bcdef":
        sound.put_object(Bucket=s3_bucket, Key=f"zone/{name}", Body=b"x")
    for fault in (says(503, "SlowDown"), hangs_up, breaks_off, answers(b""), answers(b"<html>Log in</html>")):
        s3.mend()
        s3.spoil("GET", "continuation-token", fault, times=2)
        s3.spoil("GET", "list-type=2", in_pages_of(2))
        assert [entry.key for entry in store.list()] == list("abcdef")
        assert s3.requests("GET", "list-type=2") == 3 + 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "the response is not a listing of this bucket"),
        (b"<html><body>Log in</body></html>", "the response is not a listing of this bucket"),
        (b"<ListBucketResult><Name>BUCKET</Name>", "S3 answered 500"),
        (b"<ListBucketResult><Name>BUCKET</Name></ListBucketResult>", "the response is not a listing of this bucket"),
        (
            b"<ListBucketResult><Name>BUCKET</Name><IsTruncated>true</IsTruncated></ListBucketResult>",
            "the listing is incomplete",
        ),
    ],
)
def test_an_incomplete_listing_is_not_accepted(
    s3: FaultyS3, store: S3Store, s3_bucket: str, answer: bytes, words: str
) -> None:
    s3.spoil("GET", "list-type=2", answers(answer.replace(b"BUCKET", s3_bucket.encode())))
    with pytest.raises(RetryableError) as caught:
        list(store.list())
    assert caught.value.message == f"{store.uri} could not be listed: {words}; run again"


def test_a_list_that_fails_in_its_middle_fails(s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str) -> None:
    sound.put_object(Bucket=s3_bucket, Key="zone/b", Body=b"x")
    s3.spoil("GET", "continuation-token", says(500, "InternalError"))
    s3.spoil("GET", "list-type=2", in_pages_of(1))
    with pytest.raises(RetryableError, match="could not be listed: S3 answered InternalError"):
        list(store.list())


@pytest.mark.parametrize("name", ["503", "500", "hangs up", "silent"])
def test_an_upload_is_retried_and_complete(
    s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "source").write_bytes(CONTENT)
    s3.spoil("PUT", "zone/new", PASSING[name], times=1)
    S3Store(store.uri, patience_for(PASSING[name])).publish(tmp_path / "source", "new")
    assert sound.get_object(Bucket=s3_bucket, Key="zone/new")["Body"].read() == CONTENT


def test_an_upload_from_memory_is_retried_and_complete(
    s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str
) -> None:
    s3.spoil("PUT", "zone/new", PASSING["hangs up"], times=1)
    store.publish(memoryview(CONTENT), "new")
    assert sound.get_object(Bucket=s3_bucket, Key="zone/new")["Body"].read() == CONTENT


@pytest.mark.parametrize(
    ("size", "fault", "words"),
    [
        (1000, hangs_up, "the connection was lost"),
        (1000, says(500, "InternalError"), "S3 answered InternalError"),
        (9 << 20, says(503, "SlowDown"), "S3 answered SlowDown"),
        (9 << 20, hangs_up, "the connection was lost"),
    ],
    ids=["dropped", "500", "parts 503", "parts dropped"],
)
def test_an_upload_that_fails_leaves_nothing(
    s3: FaultyS3, store: S3Store, sound: S3Client, s3_bucket: str, tmp_path: Path, size: int, fault: Fault, words: str
) -> None:
    (tmp_path / "source").write_bytes(bytes(size))
    s3.spoil("PUT", "partNumber=2" if size > 1000 else "zone/new", fault)
    with pytest.raises(RetryableError) as caught:
        store.publish(tmp_path / "source", "new")
    assert caught.value.message == f"{store.uri} could not be written: new: {words}; run again"
    assert [entry["Key"] for entry in sound.list_objects_v2(Bucket=s3_bucket)["Contents"]] == ["zone/a"]
    assert "Uploads" not in sound.list_multipart_uploads(Bucket=s3_bucket)


def test_looking_for_an_object_is_tried_again_and_reported(s3: FaultyS3, store: S3Store) -> None:
    s3.spoil("HEAD", "zone/a", hangs_up, times=2)
    assert store.find("a") is not None
    s3.spoil("HEAD", "zone/a", says(403, ""))
    with pytest.raises(SettingError, match=r"could not be read: a: access denied \(403\)"):
        store.find("a")


def test_an_object_that_is_replaced_while_it_breaks_off_is_not_mixed(
    s3: FaultyS3, store: S3Store, listed: RawObject, sound: S3Client, s3_bucket: str, tmp_path: Path
) -> None:
    s3.spoil("GET", "zone/a", breaks_off, times=1)
    s3.spoil("GET", "zone/a", comes_after(lambda: sound.put_object(Bucket=s3_bucket, Key="zone/a", Body=CONTENT[::-1])))
    with pytest.raises(ObjectChangedError, match="replaced or removed after it was listed"):
        store.fetch(listed, tmp_path / "copy")


def test_the_time_to_read_grows_with_the_size(
    store: S3Store, listed: RawObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    class Timer(threading.Timer):
        def __init__(self, interval: float, function: Any) -> None:
            given.append(interval)
            super().__init__(interval, function)

    # The clock stands still, and so no time is lost to the request.
    monkeypatch.setattr(s3_module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(s3_module, "threading", SimpleNamespace(Timer=Timer))
    policy = replace(CALM, seconds=300, slowest_bytes_per_second=len(CONTENT) / 64)
    S3Store(store.uri, policy).fetch(listed, tmp_path / "copy")
    assert given == [300 + 64]
