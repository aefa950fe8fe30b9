"""Half of a surrogate pair is no character, wherever it stands: its record is rejected, or its object rejected."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.settings import Limits
from forecast.extract.json import prescan as json_survey
from forecast.extract.json.prescan import surveyed
from tests.examples import for_every_change
from tests.extract.test_extract import CLIMATE, observations_of, rejected

HASH_LENGTH = "half of a surrogate pair, which is not a character"
MARK = "@@"
# As JSON escapes, and as the three bytes that no UTF-8 has.
HALVES = [rb"\udc00", rb"\uDFFF", rb"\ud800", rb"\udBff", rb"\ud800x", rb"\ud800\u0041", rb"\udc00\ud800"]
BYTES = [b"\xed\xa0\x80", b"\xed\xb0\x80"]


def row(hour: int, where: str | None = None) -> dict[str, str]:
    made = CLIMATE | {"dh_utc": f"2024-10-05 {hour:02}:00:00"}
    return made | {"key": {MARK: "x"}, "value": {"name": MARK}}[where] if where else made


def line(hour: int, where: str | None, wrap: str = "plain") -> str:
    made: object = row(hour, where)
    if wrap == "document":
        made = {"hourly": {"07915": [made]}}
    if wrap == "head":
        made = {"hourly": {"07915": [row(hour)]}, "stations": [{"name": MARK if where else ""}]}
    if wrap == "text":
        made = {"_airbyte_data": json.dumps(made)}
    if wrap == "nested":
        made = {"_airbyte_data": made}
    return json.dumps(made)


@pytest.mark.parametrize("half", [HALVES[0], HALVES[2], BYTES[0]], ids=repr)
@pytest.mark.parametrize("where", ["key", "value"])
@pytest.mark.parametrize("wrap", ["plain", "nested", "text", "document", "head"])
@pytest.mark.parametrize("number", [1, *for_every_change(3)])
def test_case_94_only_a_line_with_a_lone_surrogate_is_quarantined(
    number: int, wrap: str, where: str, half: bytes, tmp_path: Path
) -> None:
    lines = [line(hour, where if hour == number else None, wrap) for hour in (1, 2, 3)]
    content = "\n".join(lines).encode().replace(MARK.encode(), half)
    result = observations_of(content, tmp_path)
    assert len(result.observations) == 2
    assert [(rejected["position"], rejected["code"]) for rejected in result.rejected] == [
        (f"line {number}", "malformed_record")
    ]
    reason = result.rejected[0]["reason"]
    assert reason.startswith(("not UTF-8 at byte ",) if half in BYTES else (HASH_LENGTH,))


def pretty(where: str) -> bytes:
    return json.dumps({"hourly": {"07915": [row(1), row(2, where)]}}, indent=1).encode()


def array(where: str) -> bytes:
    return json.dumps([row(1), row(2, where)]).encode()


def array_of_documents(where: str) -> bytes:
    return json.dumps([{"hourly": {"07915": [row(1)]}}, {"hourly": {"07915": [row(2, where)]}}]).encode()


@pytest.mark.parametrize("half", HALVES, ids=repr)
@pytest.mark.parametrize("where", ["key", "value"])
@pytest.mark.parametrize("make", [pretty, array, array_of_documents])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_case_94_a_document_or_an_array_with_a_lone_surrogate_is_rejected_with_its_position(
    pack: Callable[[bytes], bytes], make: Callable[[str], bytes], where: str, half: bytes, tmp_path: Path
) -> None:
    content = make(where)
    place = content.index(MARK.encode()) + 1
    code, message = rejected(pack(content.replace(MARK.encode(), half)), tmp_path)
    assert (code, message) == ("not_text", f"{HASH_LENGTH}: {half[:6].decode()} at byte {place}")


@pytest.mark.parametrize("half", BYTES, ids=repr)
@pytest.mark.parametrize("where", ["key", "value"])
@pytest.mark.parametrize("make", [pretty, array, array_of_documents])
def test_case_94_bytes_of_a_lone_surrogate_reject_a_document_or_an_array(
    make: Callable[[str], bytes], where: str, half: bytes, tmp_path: Path
) -> None:
    code, message = rejected(make(where).replace(MARK.encode(), half), tmp_path)
    assert code == "not_json"
    assert message.startswith("not JSON: a string with bytes that are not UTF-8 (line ")


def test_a_surrogate_pair_is_a_character(tmp_path: Path) -> None:
    content = pretty("value").replace(MARK.encode(), rb"\ud83d\ude00 \\ud800 \\\\udc00")
    assert len(observations_of(content, tmp_path).observations) == 2


PIECES = st.sampled_from([rb"\ud83d\ude00", rb"\\ud800", rb"\n", rb"\\", rb"\"", b"x", b" " * 9, rb"\u0041"])


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=12), st.integers(13, 40), st.booleans())
def test_a_lone_surrogate_is_found_wherever_blocks_are_cut(
    before: list[bytes], after: list[bytes], block: int, has_half: bool
) -> None:
    text = b'{"a": "' + b"".join(before) + (rb"\udc00" if has_half else b"") + b"".join(after) + b'"}'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_survey, "BLOCK_BYTES", block)
        if not has_half:
            assert surveyed(lambda: io.BytesIO(text), Limits()).open().read() == text
            return
        with pytest.raises(ObjectRejectedError) as caught:
            surveyed(lambda: io.BytesIO(text), Limits())
    place = len(b'{"a": "' + b"".join(before)) + 1
    assert caught.value.message == f"{HASH_LENGTH}: \\udc00 at byte {place}"
