"""The stand-in of CloudWatch's metric filters, which other tests try real lines on."""

import pytest

from tests.infra.metric_filters import counted, declared, matches


@pytest.mark.parametrize(
    ("pattern", "entry", "taken"),
    [
        ('{ $.event = "a" }', {"event": "a"}, True),
        ('{ $.event = "a" }', {"event": "b"}, False),
        ('{ $.event = "a" }', {}, False),
        ('{ $.event = "a" && ($.n = 0 || $.n = 3) }', {"event": "a", "n": 3}, True),
        ('{ $.event = "a" && ($.n = 0 || $.n = 3) }', {"event": "a", "n": 1}, False),
        ("{ $.n = * }", {"n": 0}, True),
        ("{ $.n = * }", {"n": None}, False),
        ("{ $.slo.met IS FALSE }", {"slo": {"met": False}}, True),
        ("{ $.slo.met IS FALSE }", {"slo": {"met": True}}, False),
        ("{ $.slo.met IS FALSE }", {"slo": "lost"}, False),
    ],
)
def test_a_line_is_taken(pattern: str, entry: dict[str, object], taken: bool) -> None:
    assert matches(pattern, entry) is taken


def test_an_unknown_pattern_is_an_error() -> None:
    with pytest.raises(AssertionError, match="not understood"):
        matches('{ $.event != "a" }', {"event": "b"})


def test_lines_that_are_not_json_are_ignored() -> None:
    lines = ["prepare", '{"s":"F"}', '{"s":"I"}', '"text"']
    assert counted(lines, declared()) == {"FatalErrors": 1}
