"""Translates boto3's exceptions to the program's errors, without the request, which can contain a password."""

from __future__ import annotations

import socket

from boto3.exceptions import S3UploadFailedError
from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError, NameResolutionError

from forecast.core.errors import ForecastError, ObjectDeniedError, RetryableError, SettingError
from forecast.storage.base import ObjectChangedError


class WrongAnswerError(Exception):
    """S3 answered, but the answer cannot be right; the message says why."""


S3_ERRORS = (ClientError, BotoCoreError, S3UploadFailedError, HTTPError, WrongAnswerError)

_DENIED = "access denied ({}); check the credentials and the role"
# These concern a single object after the listing succeeded: the others may be readable.
_DENIES_ONE_OBJECT = ("403", "AccessDenied", "AllAccessDisabled", "KMS", "InvalidRequest")
_NO_BUCKET = "the bucket does not exist"
_CHANGED = "replaced or removed after it was listed; run again"
_ELSEWHERE = "the bucket is in another region ({}); set AWS_DEFAULT_REGION to its own"
_NO_CREDENTIALS = "no AWS credentials were found; set AWS_ACCESS_KEY_ID or a role"
_BAD_SETTING = "an AWS setting is invalid ({}); check AWS_*"
_SILENT = "S3 does not answer at {endpoint}; is AWS_ENDPOINT_URL right? Otherwise, run again"
_REFUSED = "nothing listens at {endpoint} (connection refused); is AWS_ENDPOINT_URL right? Otherwise, run again"
_NO_ADDRESS = "the host name of {endpoint} does not resolve; is AWS_ENDPOINT_URL right? Otherwise, run again"
_NO_DNS = "DNS did not answer for the host name of {endpoint}; run again"
_OF_ONE_OBJECT = "access denied ({}); check the rights on this object, and on the key that it is encrypted with"
# getaddrinfo's error if no name server answered (EAI_AGAIN), as text: urllib3 keeps nothing else of it.
_DNS_SILENT = f"[Errno {socket.EAI_AGAIN}]"
_NO_TLS = "no TLS connection could be made with {endpoint}; is AWS_ENDPOINT_URL right? Otherwise, run again"
_NO_TRUST = "the certificate of {endpoint} was not accepted; check AWS_CA_BUNDLE and the host in AWS_ENDPOINT_URL"
_BROKEN_OFF = "the connection was lost; run again"

# The codes with which S3 rejects a request: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. Bare
# numbers are the answers to HEAD, which have no text.
_BY_CODE: dict[str, tuple[type[ForecastError], str]] = {
    "403": (SettingError, _DENIED),
    "AccessDenied": (SettingError, _DENIED),
    "AllAccessDisabled": (SettingError, _DENIED),
    "ExpiredToken": (SettingError, _DENIED),
    "InvalidAccessKeyId": (SettingError, _DENIED),
    "InvalidToken": (SettingError, _DENIED),
    "KMS": (SettingError, _DENIED),
    "SignatureDoesNotMatch": (SettingError, _DENIED),
    "404": (SettingError, _NO_BUCKET),
    "NoSuchBucket": (SettingError, _NO_BUCKET),
    "412": (ObjectChangedError, _CHANGED),
    "NoSuchKey": (ObjectChangedError, _CHANGED),
    "PreconditionFailed": (ObjectChangedError, _CHANGED),
    "301": (SettingError, _ELSEWHERE),
    "AuthorizationHeaderMalformed": (SettingError, _ELSEWHERE),
    "PermanentRedirect": (SettingError, _ELSEWHERE),
    "NoSuchVersion": (ObjectChangedError, _CHANGED),
    "RequestTimeTooSkewed": (SettingError, "the clock of this machine is wrong by more than 15 minutes"),
    "InvalidObjectState": (RetryableError, "it is archived; restore it, then run again"),
}
_BY_TYPE: dict[type[Exception], tuple[type[ForecastError], str]] = {
    boto.NoCredentialsError: (SettingError, _NO_CREDENTIALS),
    boto.PartialCredentialsError: (SettingError, _NO_CREDENTIALS),
    boto.ConfigNotFound: (SettingError, _BAD_SETTING),
    boto.ConfigParseError: (SettingError, _BAD_SETTING),
    boto.EndpointProviderError: (SettingError, _BAD_SETTING),
    boto.InvalidConfigError: (SettingError, _BAD_SETTING),
    boto.InvalidRegionError: (SettingError, _BAD_SETTING),
    boto.NoRegionError: (SettingError, _BAD_SETTING),
    boto.ParamValidationError: (SettingError, _BAD_SETTING),
    boto.ProfileNotFound: (SettingError, _BAD_SETTING),
    boto.ConnectTimeoutError: (RetryableError, _SILENT),
    boto.EndpointConnectionError: (RetryableError, _SILENT),
    boto.ProxyConnectionError: (RetryableError, _SILENT),
    boto.ReadTimeoutError: (RetryableError, _SILENT),
    boto.ConnectionClosedError: (RetryableError, _BROKEN_OFF),
    boto.IncompleteReadError: (RetryableError, _BROKEN_OFF),
    boto.ResponseStreamingError: (RetryableError, _BROKEN_OFF),
    HTTPError: (RetryableError, _BROKEN_OFF),
    boto.FlexibleChecksumError: (
        RetryableError,
        "the received bytes do not match S3's checksum; run again",
    ),
}
_UNKNOWN_CODE = (RetryableError, "S3 answered {}; run again")
_REJECTED = "S3 rejected the request ({}); check AWS_* and the policy of the bucket"
_REJECTED_ONE_OBJECT = "S3 rejected the request ({}); check this object"
# Of what the answer to a request for an object says where the newest version is the mark of its removal.
_DELETE_MARKER = "x-amz-delete-marker"
_UNKNOWN_TYPE = (RetryableError, "{}; is AWS_ENDPOINT_URL right?")
# Servers other than Amazon's, and proxies, reject with their own codes, or with an HTML page without a code.
_DENYING_STATUS = {401, 403}
_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}
_TRANSIENT_CODES = {"RequestTimeout", "SlowDown"}
# Of two requests at a time for the same thing: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CONFLICT = 409
# The request was valid, but was damaged, cut short or came too soon: the next one may succeed.
_PASSING_CODES = {
    *("BadDigest", "IncompleteBody", "NoSuchUpload", "RequestLimitExceeded", "Throttling", "ThrottlingException"),
    "XAmzContentChecksumMismatch",
}
_CLIENT_ERRORS = 4  # hundred and more


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed if tried again."""
    error = _innermost(error)
    if isinstance(error, ClientError):
        return _status(error) in _TRANSIENT_STATUS or _code(error) in _TRANSIENT_CODES
    return isinstance(to_forecast_error(error, "", ""), RetryableError)


def is_timeout(error: Exception) -> bool:
    """Whether there was no answer."""
    return _explained(_innermost(error))[1] in (_SILENT, _REFUSED, _NO_ADDRESS, _NO_DNS)


def to_forecast_error(
    error: Exception, uri: str, what: str, endpoint: str = "its endpoint", *, one_object: bool = False
) -> ForecastError:
    """Translate an error: what could not be done, why, and what to do.

    `endpoint` is scheme, host and port; `one_object` says that an object was to be read that had been listed.
    """
    error = _innermost(error)
    kind, words = _explained(error, one_object=one_object)
    name = _code(error) if isinstance(error, ClientError) else type(error).__name__
    return kind(f"{uri} could not be {what}: {words.format(name, endpoint=endpoint)}")


def _explained(error: Exception, *, one_object: bool = False) -> tuple[type[ForecastError], str]:
    if isinstance(error, ClientError):
        return _refused(error, one_object=one_object)
    if isinstance(error, WrongAnswerError):
        return RetryableError, f"{error}; run again"
    if isinstance(error, boto.EndpointConnectionError):
        return RetryableError, _not_connected(error)
    if isinstance(error, boto.SSLError):
        untrusted = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return (SettingError, _NO_TRUST) if untrusted else (RetryableError, _NO_TLS)
    return next((explained for kind, explained in _BY_TYPE.items() if isinstance(error, kind)), _UNKNOWN_TYPE)


def _refused(error: ClientError, *, one_object: bool) -> tuple[type[ForecastError], str]:
    # KMS.DisabledException and similar codes are stored under one name.
    code = _code(error).partition(".")[0]
    denied = code not in _BY_CODE and _status(error) in _DENYING_STATUS
    if one_object and (denied or code in _DENIES_ONE_OBJECT):
        return ObjectDeniedError, _OF_ONE_OBJECT
    if one_object and _headers(error).get(_DELETE_MARKER) == "true":
        return ObjectChangedError, _CHANGED
    if denied:
        return SettingError, _DENIED
    if code not in _BY_CODE and _is_rejected(error):
        return (ObjectDeniedError, _REJECTED_ONE_OBJECT) if one_object else (SettingError, _REJECTED)
    return _BY_CODE.get(code, _UNKNOWN_CODE)


def _is_rejected(error: ClientError) -> bool:
    """Whether S3 says that the request itself is at fault, so that a retry would fail in the same way."""
    status = _status(error) or 0
    passing = status == _CONFLICT or _code(error) in _PASSING_CODES or is_transient(error)
    return status // 100 == _CLIENT_ERRORS and not passing


def _not_connected(error: boto.EndpointConnectionError) -> str:
    """Why no connection could be made, according to urllib3."""
    found = error.kwargs.get("error")
    if isinstance(found, NameResolutionError):
        return _NO_DNS if _DNS_SILENT in str(found) else _NO_ADDRESS
    return _REFUSED if "Connection refused" in str(found) else _SILENT


def _innermost(error: Exception) -> Exception:
    """boto3 wraps S3's answers to uploads, and only keeps its own text."""
    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
        return error.__context__
    return error


def _code(error: ClientError) -> str:
    """S3's code for the error; the status of the answer if its body has none."""
    return str(error.response.get("Error", {}).get("Code") or _status(error) or "unknown")


def _headers(error: ClientError) -> dict[str, str]:
    return error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})


def _status(error: ClientError) -> int | None:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
