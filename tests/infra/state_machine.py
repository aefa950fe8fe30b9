"""terraform/modules/chain/chain.asl.json, carried out as Step Functions would, with tasks that a test makes up.

It knows the states and the part of the language that the chain uses; that Step Functions agrees is for AWS to prove
(docs/aws-unproven.md). That the text is of Amazon's language at all, moto's parser of it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

CHAIN = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "chain" / "chain.asl.json"
Json = dict[str, Any]
# Of a step: its input. What it raises is how the task ended.
RunTask = Callable[[Json], None]


class TaskError(Exception):
    """How a task ended: the error's name, and the cause as Step Functions words it."""

    def __init__(self, error: str, cause: str | None) -> None:
        super().__init__(error)
        self.told = {"Error": error} | ({} if cause is None else {"Cause": cause})


class FailedError(Exception):
    """The execution failed."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(error)
        self.error, self.cause = error, cause


def definition() -> Json:
    """The machine as Terraform would fill it in."""
    text = CHAIN.read_text("utf-8").replace("${partition}", "aws").replace("${cluster}", "arn:aws:ecs:mock")
    found: Json = json.loads(text.replace("${subnets}", '["a", "b", "c"]').replace("${security_group}", "sg-1"))
    return found


class Execution:
    """One execution; `waited` are the seconds of its pauses, `ran` the inputs of its tasks."""

    def __init__(self, run_task: RunTask) -> None:
        self._run_task = run_task
        self.waited: list[int] = []

    def start(self, data: Json) -> None:
        """Carry the chain out. Raises FailedError."""
        self._machine(definition(), data)

    def _machine(self, machine: Json, data: Any) -> Any:
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            following, data = getattr(self, f"_{state['Type'].lower()}")(state, data)
            if following is None:
                return data
            name = following

    def _map(self, state: Json, data: Json) -> tuple[str | None, Any]:
        assert state["MaxConcurrency"] == 1
        items = _value(data, state["ItemsPath"])
        return state["Next"], [self._machine(state["ItemProcessor"], item) for item in items]

    def _task(self, state: Json, data: Json) -> tuple[str | None, Any]:
        try:
            self._run_task(_filled(state["Parameters"], data) | {"seconds": _value(data, state["TimeoutSecondsPath"])})
        except TaskError as error:
            (catch,) = state["Catch"]
            return catch["Next"], _put(data, catch["ResultPath"], error.told)
        return state["Next"], data

    def _choice(self, state: Json, data: Json) -> tuple[str | None, Any]:
        for rule in state["Choices"]:
            if _holds(rule, data):
                return rule["Next"], data
        return state["Default"], data

    def _pass(self, state: Json, data: Any) -> tuple[str | None, Any]:
        made = _filled(state["Parameters"], data)
        path = state.get("ResultPath")
        return (None if state.get("End") else state["Next"]), made if path is None else _put(data, path, made)

    def _wait(self, state: Json, data: Json) -> tuple[str | None, Any]:
        self.waited.append(state["Seconds"])
        return state["Next"], data

    def _succeed(self, _state: Json, data: Json) -> tuple[str | None, Any]:
        return None, data

    def _fail(self, state: Json, data: Json) -> tuple[str | None, Any]:
        error = state.get("Error") or _value(data, state["ErrorPath"])
        raise FailedError(error, state.get("Cause") or _value(data, state["CausePath"]))


def _value(data: Any, path: str) -> Any:
    if path.startswith("$[*]."):
        return [entry[path.removeprefix("$[*].")] for entry in data]
    for name in path.removeprefix("$").strip(".").split("."):
        data = data[name]
    return data


def _put(data: Json, path: str, value: Any) -> Json:
    name = path.removeprefix("$.")
    assert "." not in name
    return data | {name: value}


def _filled(template: Json, data: Any) -> Json:
    made: Json = {}
    for name, value in template.items():
        if name.endswith(".$"):
            made[name.removesuffix(".$")] = _computed(value, data)
        else:
            made[name] = _filled(value, data) if isinstance(value, dict) else value
    return made


def _computed(text: str, data: Any) -> Any:
    function = re.fullmatch(r"States\.(\w+)\((.+), (\w+)\)", text)
    if function is None:
        return _value(data, text)
    value, other = _value(data, function[2]), json.loads(function[3])
    if function[1] == "MathAdd":
        return value + other
    assert function[1] == "ArrayContains"
    return other in value


def _holds(rule: Json, data: Json) -> bool:
    if "And" in rule:
        return all(_holds(part, data) for part in rule["And"])
    if "Or" in rule:
        return any(_holds(part, data) for part in rule["Or"])
    if "IsPresent" in rule:
        step, _, name = rule["Variable"].rpartition(".")
        return (name in _value(data, step)) is rule["IsPresent"]
    value = _value(data, rule["Variable"])
    if "StringMatches" in rule:
        # Brackets are letters to Step Functions.
        return fnmatchcase(value, rule["StringMatches"].replace("[", "[[]"))
    if "NumericLessThan" in rule:
        return bool(value < rule["NumericLessThan"])
    return bool(value is rule["BooleanEquals"])
