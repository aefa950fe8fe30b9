"""The daily chain: in order; exit code 1 is retried, 3 reported, and 2 or a time limit stops it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.infra.state_machine import Execution, FailedError, TaskError, definition

STEPS = ("ingest", "run", "latency", "dump", "dashboard")
# As the stack makes them: what gives nothing to the steps after it does not stop them.
STOPS = {"run", "dump"}
TRY_AGAIN = 300


def stopped(code: int | None, stop_code: str = "EssentialContainerExited") -> TaskError:
    """The end of a task as Step Functions tells it (its developer guide, "Manage Amazon ECS or AWS Fargate tasks")."""
    containers = [{"Name": "prepare", "ExitCode": 0, "LastStatus": "STOPPED"}]
    containers.append({"Name": "program", "LastStatus": "STOPPED"} | ({} if code is None else {"ExitCode": code}))
    cause = {"Containers": containers, "LastStatus": "STOPPED", "StopCode": stop_code}
    return TaskError("States.TaskFailed", json.dumps(cause, separators=(",", ":")))


TIMEOUT = TaskError("States.Timeout", None)


class Day:
    """An execution in which the tasks of some steps end badly, one after the other, and then well."""

    def __init__(self, **ends: Sequence[TaskError | None]) -> None:
        self.tasks: list[dict[str, Any]] = []
        self._left = {step: list(errors) for step, errors in ends.items()}
        self.failed: FailedError | None = None
        execution = Execution(self._run)
        try:
            execution.start({"steps": [step(name) for name in STEPS]})
        except FailedError as error:
            self.failed = error
        self.waited = execution.waited

    @property
    def ran(self) -> list[str]:
        return [task["TaskDefinition"] for task in self.tasks]

    def _run(self, task: dict[str, Any]) -> None:
        self.tasks.append(task)
        left = self._left.get(task["TaskDefinition"], [])
        if left and (error := left.pop(0)) is not None:
            raise error


def step(name: str) -> dict[str, Any]:
    return {"step": name, "task_definition": name, "overrides": {}, "seconds": 3600, "stops": name in STOPS}


@pytest.mark.whole
def test_the_chain_is_of_amazons_language() -> None:
    # Here, because to import it takes a second.
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser  # noqa: PLC0415

    AmazonStateLanguageParser.parse(json.dumps(definition()))


def test_on_a_good_day_every_step_runs_once_in_its_order() -> None:
    day = Day()
    assert (day.ran, day.failed, day.waited) == (list(STEPS), None, [])
    assert {task["seconds"] for task in day.tasks} == {3600}
    assert day.tasks[0]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


@pytest.mark.parametrize("end", [stopped(1), stopped(None, "TaskFailedToStart")])
def test_a_step_that_may_succeed_later_is_retried_twice(end: TaskError) -> None:
    day = Day(run=[end, end])
    assert (day.ran, day.failed) == (["ingest", "run", "run", "run", "latency", "dump", "dashboard"], None)
    assert day.waited == [TRY_AGAIN, TRY_AGAIN]


def test_after_the_third_failure_the_chain_stops_and_says_why() -> None:
    day = Day(run=[stopped(1)] * 3)
    assert day.ran == ["ingest", "run", "run", "run"]
    assert day.failed is not None
    assert day.failed.error == "States.TaskFailed"
    assert '"ExitCode":1' in day.failed.cause


@pytest.mark.parametrize("end", [stopped(2), stopped(137), stopped(13), TIMEOUT])
def test_a_step_that_needs_a_change_stops_the_chain_at_once(end: TaskError) -> None:
    day = Day(run=[end])
    assert (day.ran, day.waited) == (["ingest", "run"], [])
    assert day.failed is not None


def test_a_run_that_rejected_data_is_not_retried_and_the_chain_continues_and_ends_as_failed() -> None:
    day = Day(run=[stopped(3)])
    assert (day.ran, day.waited) == (list(STEPS), [])
    assert day.failed is not None
    assert day.failed.error == "Attention"


@pytest.mark.parametrize("name", ["ingest", "latency", "dashboard"])
@pytest.mark.parametrize("end", [stopped(2), stopped(137), TIMEOUT])
def test_the_failure_of_a_step_on_which_no_other_depends_does_not_stop_the_chain(name: str, end: TaskError) -> None:
    day = Day(**{name: [end]})
    assert day.ran == list(STEPS)
    assert day.failed is not None
    assert day.failed.error == "Attention"
