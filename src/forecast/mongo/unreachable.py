"""Explains why no MongoDB could be reached, from the driver's description of each server: host, port and error.

The driver raises the same error for everything that can happen to a connection, and only its text says what happened.
No other part of that text is passed on.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forecast.core.errors import ForecastError, RetryableError, SettingError

_SERVER = re.compile(
    r"<ServerDescription \('(?P<host>[^']*)', (?P<port>\d+|None)\) server_type: (?P<kind>\w+), rtt: [^,>]*"
    r"(?:, error=(?P<error>.*?))?>(?=, <ServerDescription |\]|$)"
)
_ADDRESS = re.compile(r"(\S+:\d+): ")
_NO_NAME = "its name does not resolve"
_NO_TLS = "no TLS connection could be made"
_NO_TRUST = "its certificate was not accepted"
# Parts of error texts, and what they mean.
_CAUSES: Final = (
    ("[Errno -2]", _NO_NAME),
    ("[Errno -5]", _NO_NAME),
    ("nodename nor servname provided", _NO_NAME),
    ("[Errno -3]", "DNS did not answer for its name"),
    ("CERTIFICATE_VERIFY_FAILED", _NO_TRUST),
    ("SSL handshake failed", _NO_TLS),
    ("Connection refused", "connection refused"),
    ("No route to host", "no route to it"),
    ("Network is unreachable", "no route to it"),
    ("timed out", "no answer in time"),
    ("connection closed", "it closed the connection"),
    ("Connection reset", "it closed the connection"),
    ("ProtocolError", "what answers there is not MongoDB"),
)
# Any other system error, in its own words.
_OF_SYSTEM: Final = re.compile(r"\[Errno -?\d+\] ([^'\"(]*[^'\"( ])")
# Servers that answered.
_KINDS: Final = {
    "RSPrimary": "the primary",
    "RSSecondary": "a secondary",
    "RSArbiter": "an arbiter",
    "RSOther": "a member that is neither primary nor secondary now",
    "RSGhost": "a member without a replica set",
}
ENCODED: Final = "In user and password, characters such as : / ? # @ % must be percent-encoded"
# dnspython's errors for names that do not exist or are invalid; all other errors may be temporary.
_NO_SUCH_NAME: Final = frozenset(("NXDOMAIN", "NoAnswer", "EmptyLabel", "LabelTooLong", "NameTooLong", "IDNAException"))


class Server(NamedTuple):
    """One server as the driver sees it; `error` is the text of its last error, or empty."""

    address: str
    kind: str
    error: str

    @property
    def seen(self) -> str:
        """Its state or error, for people."""
        cause = next((words for text, words in _CAUSES if text in self.error), None)
        of_system = _OF_SYSTEM.search(self.error)
        return cause or (of_system and of_system[1]) or _KINDS.get(self.kind) or "no answer"


def servers_in(text: str) -> list[Server]:
    """The servers in a description of a topology, or in an error that contains one."""
    return [
        Server(_address(found["host"], found["port"]), found["kind"], found["error"] or "")
        for found in _SERVER.finditer(text)
    ]


def unreachable(text: str, doing: str) -> ForecastError:
    """The error if no server is a primary that answers, from the text of the driver's error."""
    servers = servers_in(text)
    all_seen = {server.seen for server in servers}
    words = "; ".join(f"{server.address}: {server.seen}" for server in servers) or "no server is known"
    away = f"MongoDB is unreachable ({doing}): {words}"
    if all_seen == {_NO_NAME}:
        return SettingError(f"{away}. Correct the host in MONGODB_URI. {ENCODED}")
    if all_seen == {_NO_TRUST}:
        return SettingError(
            f"{away}; it is not from an authority that is trusted here (tlsCAFile), or not for the host in MONGODB_URI"
        )
    if all_seen == {_NO_TLS}:
        return RetryableError(f"{away}. Check that the server speaks TLS and is up, then run again")
    if any(server.kind in _KINDS for server in servers):
        return RetryableError(
            f"MongoDB has no primary ({doing}): {words}. Check that most members of the replica set are up, then run "
            "again"
        )
    return RetryableError(f"{away}. Check that it is up and that MONGODB_URI names it, then run again")


def connection_lost(text: str, doing: str) -> ForecastError:
    """The error for a lost connection, from the text of the driver's error."""
    server = _ADDRESS.match(text)
    of_server = f", {server.group(1)}" if server else ""
    return RetryableError(
        f"the connection to MongoDB was lost ({doing}{of_server}) and did not come back in time. "
        "Check that most members of the replica set are up, then run again"
    )


def name_not_found(cause: BaseException | None, host: str) -> ForecastError | None:
    """The error for a failed lookup of a `mongodb+srv` name, if that caused the driver's error."""
    kinds = {kind.__name__ for kind in type(cause).__mro__}
    if _NO_SUCH_NAME & kinds:
        return SettingError(f"DNS has no MongoDB with the name {host} (mongodb+srv). Correct MONGODB_URI. {ENCODED}")
    if {"DNSException", "OSError"} & kinds:
        return RetryableError(f"DNS did not answer for {host} (mongodb+srv). Check the network, then run again")
    return None


def _address(host: str, port: str) -> str:
    return host if port == "None" else f"{host}:{port}"
