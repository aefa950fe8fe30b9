"""The version of the checks follows from what they are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import forecast.qc
from forecast.networks.qc_version import qc_version
from forecast.qc import version

GOLDEN = 1653777443


@pytest.fixture
def source() -> str:
    return (Path(*forecast.qc.__path__) / "checks" / "spike.py").read_text("utf-8")


def same(one: str, other: str) -> bool:
    return bool(version._shape(ast.parse(one)) == version._shape(ast.parse(other)))


def test_the_version_is_that_of_these_checks() -> None:
    assert qc_version() == GOLDEN, (
        f"the limits, the reach or the code of the checks have changed, and with them qc_version in every document. "
        "Where flags are to stay as they are, prove it: tests/quality evaluates the week, tests/qc each check. Where "
        "they are to change, say so in docs/quality.md (`make docs` writes its tables). Documents that no run touches "
        f"keep their version until `pipeline --rerun-qc`. Then write {qc_version()} here."
    )


def test_a_change_of_texts_for_people_does_not_change_the_version(source: str) -> None:
    assert same(source, f"# A comment.\n{source}")
    assert same(source, source.replace('"""Values that jump', '"""Numbers that jump'))
    assert same(source, source.replace('advice="values', 'advice="numbers'))
    assert same(source, source.replace('finds="up to', 'finds="at most'))


@pytest.mark.parametrize(
    ("before", "after"),
    [("_LONGEST: Final = 3", "_LONGEST: Final = 4"), ("order=140", "order=145"), (">= min", "> min")],
)
def test_every_change_of_the_code_changes_the_version(source: str, before: str, after: str) -> None:
    assert before in source
    assert not same(source, source.replace(before, after))


def test_a_version_fits_the_integer_of_a_document() -> None:
    assert 0 <= qc_version() < 2**31
