"""Alarms of several metrics distinguish a lost member from a member whose log is missing."""

import re
from itertools import product

import pytest

from forecast.report.metrics import slo_metrics
from forecast.report.models.slo import ErrorBudget
from forecast_ops.status import status_metrics
from tests.infra.metric_filters import METRICS
from tests.infra.metric_math import expression, value
from tests.operations.test_status import WELL
from tests.report.metric_lines import lines_of_a_run, lines_of_an_ingest

Metrics = dict[str, float | None]
HEALTHY: Metrics = {"healthy": 5.0, "reports": 5.0, "task": 5.0}
SICK: Metrics = {"healthy": None, "reports": 5.0, "task": 5.0}
GONE: Metrics = {"healthy": None, "reports": None, "task": None}
UNHEARD: Metrics = {"healthy": None, "reports": None, "task": 5.0}


@pytest.mark.parametrize(("member", "alive"), [(HEALTHY, 1), (SICK, 0), (GONE, 0), (UNHEARD, 1)])
def test_a_member_is_down_if_it_says_so_or_has_no_task(member: Metrics, alive: int) -> None:
    assert value(expression("alive"), member) == alive


@pytest.mark.parametrize(("member", "unheard"), [(HEALTHY, 0), (SICK, 0), (GONE, 0), (UNHEARD, 1)])
def test_a_log_is_missing_if_a_task_runs_without_logging(member: Metrics, unheard: int) -> None:
    assert value(expression("unheard"), member) == unheard


def test_quorum_is_lost_if_two_of_three_are_down_but_not_if_their_logs_are_missing() -> None:
    for members in product((HEALTHY, SICK, GONE, UNHEARD), repeat=3):
        lost = sum(member in (SICK, GONE) for member in members) > 1
        assert (sum(value(expression("alive"), member) for member in members) < 2) is lost


@pytest.mark.parametrize(
    ("primary", "reports", "tasks", "led"),
    [(5.0, 15.0, 5.0, 1), (None, 10.0, 5.0, 0), (None, None, 5.0, 1), (None, None, None, 0)],
)
def test_there_is_no_primary_if_members_report_and_none_is_primary(
    primary: float | None, reports: float | None, tasks: float | None, led: int
) -> None:
    metrics = {"primary": primary, "reports": reports, "task1": tasks, "task2": None, "task3": None}
    assert value(expression("led"), metrics) == led


def test_the_metrics_that_alarms_count_on_are_those_that_the_program_writes() -> None:
    found = re.search(r"^  embedded = \{\n(.*?)^  \}$", METRICS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found
    declared = {
        (dimension, name)
        for dimension, names in re.findall(r"(\w+) += \[(.*)\]", found[1])
        for name in re.findall(r'"(\w+)"', names)
    }
    budget = ErrorBudget("station_day.p95", 250.0, 500, 31, 0.05, 28, 1.24)
    lines = [*lines_of_a_run(), *lines_of_an_ingest(), *slo_metrics(met=False, budgets=[budget]), *status_metrics(WELL)]
    written = {(line.dimension[0] if line.dimension else "none", name) for line in lines for name in line.metrics}
    assert written == declared
