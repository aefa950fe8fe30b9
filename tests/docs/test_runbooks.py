"""The runbooks are true: their links lead somewhere, and what they name is what Terraform makes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forecast.mongo.probes.queries import QUERIES
from forecast.report.headline import assess
from forecast.report.situation_text import render_situation
from tests.report.test_error_budget import KEPT, SPENT, situation
from tests.report.test_load_test import load, phase, reported, text_of, text_of_any

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
PAGES = sorted(RUNBOOKS.glob("*.md"))
MODULES = ROOT / "terraform" / "modules"


def keys(file: Path, block: str) -> list[str]:
    """Give the keys of one map of a module's locals."""
    found = re.search(rf"^  {block} = \{{\n(.*?)^  \}}$", file.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert found, f"{file} has no map {block}"
    return re.findall(r"^    ([a-z-]+) = \{$", found.group(1), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_of_a_runbook_leads_to_a_page_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\((?!\w+:)([^)]+)\)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
            assert anchor in anchors, target


def test_the_index_has_every_runbook() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (RUNBOOKS / "README.md").read_text("utf-8")))
    assert linked == {page.name for page in PAGES} - {"README.md"}


def test_every_alarm_has_its_line() -> None:
    page = (RUNBOOKS / "alarms.md").read_text("utf-8")
    alarms = MODULES / "observability" / "alarms.tf"
    named = [*keys(alarms, "alarms"), *keys(alarms, "run_alarms")]
    named += [f"{alarm}-mongo-N" for alarm in keys(alarms, "member_alarms")]
    computed = (MODULES / "observability" / "members.tf").read_text("utf-8")
    named += [f"{alarm}-mongo-N" for alarm in re.findall(r': "([a-z-]+)-\$\{member\}" => \{', computed)]
    named += re.findall(r"^      ([a-z-]+) = \{\n        description", computed, re.MULTILINE)
    assert len(named) > 20
    assert {"member-down-mongo-N", "logs-missing-mongo-N", "quorum-lost", "no-primary"} <= set(named)
    assert [
        name for name in [*named, "dead-letters-chain", "chain-failed", "event-lost-…"] if f"`{name}`" not in page
    ] == []
    events = keys(MODULES / "observability" / "events.tf", "events")
    assert len(events) > 3
    assert [name for name in events if f"| `{name}` |" not in page] == []


def test_what_the_runbook_of_objectives_shows_is_what_the_commands_print() -> None:
    page = (RUNBOOKS / "slo-missed.md").read_text("utf-8")
    now = situation(SPENT, KEPT)
    shown = [line.rstrip() for line in text_of_any(render_situation(now, assess(now))).splitlines()]
    status = page.split("forecast status\n")[1].split("```")[0].splitlines()
    assert status[0] == shown[0]
    assert "\n".join(status[2:]) in "\n".join(shown)
    tested = [" ".join(line.split()) for line in text_of(reported(load(phase()))[0]).splitlines()]
    for line in page.split("How MongoDB answers them")[0].split("times in ms\n")[1].splitlines()[:1]:
        assert " ".join(line.split()) in tested
    assert [name for name in QUERIES if len(re.findall(rf"^  {name} ", page, re.MULTILINE)) != 2] == []


def test_every_task_that_a_runbook_runs_is_one_that_terraform_makes() -> None:
    tools = {*keys(MODULES / "mongodb" / "tools.tf", "tools")} - {"status"}
    made = {*keys(MODULES / "pipeline" / "main.tf", "tasks"), *tools, "mongo-status"}
    run = {task for page in PAGES for task in re.findall(r"run-task ([a-z]+(?:-[a-z]+)*)", page.read_text("utf-8"))}
    assert len(run) > 5
    assert run - made == set()
