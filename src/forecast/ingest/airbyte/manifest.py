"""A source as a declarative Airbyte connector, generated from the declaration that the runner uses.

It needs no custom component, so it runs on Airbyte Cloud, on a self-hosted server and in the connector builder. Unlike
the runner, a connector cannot write only what is new, count a 24-hour quota across syncs, check the document's units,
read the history of a station that is added later, or leave out stations by their licence.
https://docs.airbyte.com/connector-development/config-based/understanding-the-yaml-file/reference
"""

from __future__ import annotations

import json
from typing import Any, Final

from forecast.core.settings import Settings
from forecast.networks.fetch import (
    EACH,
    FIRST_DAY,
    HOURS,
    KEY,
    LAST_DAY,
    STATION,
    STATIONS,
    Fetch,
    Meaning,
    Refusal,
)

# The CDK that the manifests are tested with; tests/referee checks them against its schema.
CDK_VERSION: Final = "7.39.1"
_STATION_FIELD: Final = "station"
_ACTIONS: Final = {
    Meaning.EMPTY: "IGNORE",
    Meaning.DENIED: "FAIL",
    Meaning.QUOTA: "RATE_LIMITED",
    Meaning.REFUSED: "FAIL",
}
_FAILURES: Final = {Meaning.DENIED: "config_error", Meaning.REFUSED: "transient_error"}

Json = dict[str, Any]


def manifest(fetch: Fetch) -> Json:
    """The manifest of a source."""
    return {
        "version": CDK_VERSION,
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": [fetch.stream]},
        "streams": [_stream(fetch)],
        "spec": {"type": "Spec", "connection_specification": _specification(fetch)},
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": 1},
        "api_budget": {
            "type": "HTTPAPIBudget",
            "policies": [
                {
                    "type": "MovingWindowCallRatePolicy",
                    "rates": [
                        {"type": "Rate", "limit": fetch.per_minute, "interval": "PT1M"},
                        {"type": "Rate", "limit": fetch.per_day, "interval": "P1D"},
                    ],
                    "matchers": [],
                }
            ],
        },
    }


def manifest_text(fetch: Fetch) -> str:
    """The content of the manifest's file."""
    return json.dumps(manifest(fetch), indent=2) + "\n"


def default_url(fetch: Fetch) -> str:
    """The API's default address."""
    return str(Settings().of_networks[fetch.url_setting])


def _stream(fetch: Fetch) -> Json:
    return {
        "type": "DeclarativeStream",
        "name": fetch.stream,
        "primary_key": [fetch.station_field, fetch.time_field],
        "retriever": {
            "type": "SimpleRetriever",
            "requester": _requester(fetch),
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": _field_path(fetch)},
            },
            **_partitions(fetch),
        },
        "incremental_sync": _cursor(fetch),
        "schema_loader": {
            "type": "InlineSchemaLoader",
            "schema": {
                "type": "object",
                "additionalProperties": True,
                "properties": {name: {"type": ["string", "integer", "null"]} for name in _keys(fetch)},
            },
        },
    }


def _keys(fetch: Fetch) -> tuple[str, ...]:
    return fetch.station_field, fetch.time_field


def _requester(fetch: Fetch) -> Json:
    return {
        "type": "HttpRequester",
        "url_base": f"{{{{ config.get('api_url') or '{default_url(fetch)}' }}}}",
        "path": fetch.path,
        "http_method": "GET",
        "request_parameters": {name: _value(fetch, template) for name, template in fetch.params},
        "error_handler": {
            "type": "DefaultErrorHandler",
            "max_retries": 4,
            "response_filters": [_filter(refusal) for refusal in fetch.refusals],
            "backoff_strategies": [
                {"type": "WaitTimeFromHeader", "header": "Retry-After", "max_waiting_time_in_seconds": 300},
                {"type": "ExponentialBackoffStrategy", "factor": 2},
            ],
        },
    }


def _value(fetch: Fetch, template: str) -> str:
    stations = f"stream_partition['{_STATION_FIELD}']" if _is_one_by_one(fetch) else "config['stations']"
    return {
        STATION: f"{{{{ {stations} }}}}",
        STATIONS: f"{{{{ {stations} }}}}",
        HOURS: str(24 * _step_days(fetch)),
        FIRST_DAY: "{{ stream_interval['start_time'] }}",
        LAST_DAY: f"{{{{ stream_interval['{'start' if _step_days(fetch) == 1 else 'end'}_time'] }}}}",
        KEY: "{{ config['api_key'] }}",
    }.get(template, template)


def _filter(refusal: Refusal) -> Json:
    conditions = []
    if refusal.has:
        conditions.append(f"response is mapping and response.get('{refusal.has}')")
    if refusal.lacks:
        conditions.append(f"response and '{refusal.lacks}' not in response")
    if refusal.differs:
        conditions.append("response and response.get('{}') != '{}'".format(*refusal.differs))
    found: Json = {"type": "HttpResponseFilter", "action": _ACTIONS[refusal.meaning], "error_message": refusal.says}
    if refusal.meaning in _FAILURES:
        found["failure_type"] = _FAILURES[refusal.meaning]
    if refusal.contains:
        found["error_message_contains"] = refusal.contains
    if conditions:
        found["predicate"] = f"{{{{ {' and '.join(conditions)} }}}}"
    if refusal.statuses != (200,):
        found["http_codes"] = list(refusal.statuses)
    return found


def _field_path(fetch: Fetch) -> list[str]:
    """The path of the records, for dpath: the extractor yields each entry of a list at its end.

    Names that begin with _ are not stations.
    """
    *path, last = fetch.records
    if EACH not in path:
        return path if last == EACH else [*path, last]
    return [*("[!_]*" if step == EACH else step for step in path), last]


def _is_one_by_one(fetch: Fetch) -> bool:
    """Whether a call requests one station. A connector can request either one or all, and all may be too many."""
    return fetch.batch == 1 or fetch.most_records is not None


def _step_days(fetch: Fetch) -> int:
    """Days per call. With HOURS it is one, because a longer step that ends today would begin before its first day."""
    if HOURS in dict(fetch.params).values():
        return 1
    return fetch.station_days if _is_one_by_one(fetch) else 7


def _partitions(fetch: Fetch) -> Json:
    """One slice per station, if a call requests one station."""
    if not _is_one_by_one(fetch):
        return {}
    router = {"type": "ListPartitionRouter", "cursor_field": _STATION_FIELD, "values": "{{ config['stations'] }}"}
    return {"partition_router": router}


def _cursor(fetch: Fetch) -> Json:
    """UTC days. However short the step is, the last interval has two days, so calls for one day end tomorrow."""
    end = "now_utc() + duration('P1D')" if _step_days(fetch) == 1 else "now_utc()"
    return {
        "type": "DatetimeBasedCursor",
        "cursor_field": fetch.time_field,
        "cursor_datetime_formats": [fetch.time_format],
        "datetime_format": fetch.day_format,
        "start_datetime": {
            "type": "MinMaxDatetime",
            "datetime": "{{ config['start_date'] }}",
            "datetime_format": "%Y-%m-%d",
        },
        "end_datetime": {
            "type": "MinMaxDatetime",
            "datetime": f"{{{{ ({end}).strftime('%Y-%m-%d') }}}}",
            "datetime_format": "%Y-%m-%d",
        },
        "step": f"P{_step_days(fetch)}D",
        "cursor_granularity": "P1D",
        "lookback_window": f"P{fetch.lookback_days}D",
    }


def _specification(fetch: Fetch) -> Json:
    key: Json = {"api_key": {"type": "string", "title": "Your own key", "airbyte_secret": True, "order": 0}}
    needed = key if fetch.key_setting is not None else {}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": f"{fetch.network} observations",
        "type": "object",
        "additionalProperties": True,
        "required": [*needed, "stations", "start_date"],
        "properties": {
            **needed,
            "stations": {"type": "array", "items": {"type": "string"}, "title": "Ids of the stations", "order": 1},
            "start_date": {"type": "string", "format": "date", "title": "First day (UTC)", "order": 2},
            "api_url": {"type": "string", "title": "Another address of the API", "order": 3},
        },
    }
