"""What delivery promises: actions nobody can move, images named by what they are made of, a task's own exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BASE = "sha256:" + "b" * 64
PUSHED = "sha256:" + "c" * 64


@dataclass
class Machine:
    """A folder that is first on PATH, with programs that write down how they were called."""

    folder: Path

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self.folder}/calls"\n{script}\n')
        path.chmod(0o755)

    @property
    def calls(self) -> str:
        path = self.folder / "calls"
        return path.read_text() if path.exists() else ""

    def run(self, *command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Machine(folder)


@pytest.fixture
def project(tmp_path: Path, machine: Machine) -> Path:
    """A repository with what the pipeline's image is made of, where docker knows one base."""
    machine.program("docker", f'[[ $2 == imagetools ]] && echo "{BASE}"; exit 0')
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text(f"ARG PYTHON_IMAGE=python:3.13-slim\nARG MONGO_IMAGE=mongo:8.0@{PUSHED}\n")
    (folder / "src" / "main.py").write_text("print()\n")
    (folder / "README.md").write_text("Read me.\n")
    commit(folder, "init")
    return folder


def commit(project: Path, *first: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    for arguments in ([*first] if first else [], ["add", "."], [*who, "commit", "--quiet", "--message", "t"]):
        if arguments:
            subprocess.run(["git", *arguments], cwd=project, check=True, capture_output=True)


def built_tag(machine: Machine, project: Path) -> str:
    done = machine.run(ROOT / ".github" / "build-image", "pipeline", cwd=project)
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"tag=([0-9a-f]{20})\nimage=forecast-pipeline:\1\n", done.stdout)
    assert found, done.stdout
    return found.group(1)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_named_by_their_whole_commit_and_their_version(workflow: Path) -> None:
    used = re.findall(r"uses: (?!\./)(.+)", workflow.read_text("utf-8"))
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", name)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_permission_that_a_job_did_not_request(workflow: Path) -> None:
    text = workflow.read_text("utf-8")
    assert "\npermissions: {}\n" in text
    assert "pull_request_target" not in text
    assert re.findall(r"\$\{\{ *secrets\.", text) == []


def test_bases_are_built_by_digest_and_one_that_has_its_digest_keeps_it(machine: Machine, project: Path) -> None:
    built_tag(machine, project)
    assert f"--build-arg PYTHON_IMAGE=python:3.13-slim@{BASE} " in machine.calls
    assert f"--build-arg MONGO_IMAGE=mongo:8.0@{PUSHED} " in machine.calls
    assert "inspect mongo" not in machine.calls


def test_the_tag_changes_with_the_files_and_the_bases_of_the_image_and_with_nothing_else(
    machine: Machine, project: Path
) -> None:
    first = built_tag(machine, project)
    (project / "README.md").write_text("Read me again.\n")
    commit(project)
    assert built_tag(machine, project) == first

    (project / "src" / "main.py").write_text("print(1)\n")
    commit(project)
    second = built_tag(machine, project)
    assert second != first

    machine.program("docker", f'[[ $2 == imagetools ]] && echo "{PUSHED}"; exit 0')
    assert built_tag(machine, project) not in {first, second}


def test_uncommitted_changes_are_not_built_because_no_tag_would_show_them(machine: Machine, project: Path) -> None:
    (project / "src" / "new.py").write_text("print(2)\n")
    done = machine.run(ROOT / ".github" / "build-image", "pipeline", cwd=project)
    assert (done.returncode, done.stdout) == (2, "")
    assert "src/new.py" in done.stderr
    assert machine.calls == ""


def test_a_base_that_cannot_be_looked_up_is_not_built_on(machine: Machine, project: Path) -> None:
    machine.program("docker", "echo 'no such host' >&2; exit 1")
    done = machine.run(ROOT / ".github" / "build-image", "pipeline", cwd=project)
    assert done.returncode == 1
    assert "no such host" in done.stderr
    assert "docker build " not in machine.calls


def push(machine: Machine) -> subprocess.CompletedProcess[str]:
    return machine.run(ROOT / ".github" / "push-image", "forecast-mongo:t", "forecast-prod/mongo", "t")


def test_an_existing_image_is_not_pushed_again(machine: Machine) -> None:
    machine.program("aws", f'echo "{PUSHED}"')
    machine.program("docker", "")
    done = push(machine)
    assert (done.returncode, done.stdout) == (0, f"{PUSHED}\n")
    assert "docker" not in machine.calls


def test_a_missing_image_is_pushed_under_its_tag(machine: Machine, tmp_path: Path) -> None:
    there = tmp_path / "there"
    machine.program(
        "aws",
        f"""case "$2" in
          list-images) [[ -e {there} ]] && echo {PUSHED}; exit 0 ;;
          describe-repositories) echo registry.example.org/forecast-prod/mongo ;;
          get-login-password) echo secret-of-an-hour ;;
        esac""",
    )
    machine.program("docker", f'[[ $1 != push ]] || touch {there}; [[ $1 != login ]] || cat >"{tmp_path}/given"')
    done = push(machine)
    assert (done.returncode, done.stdout) == (0, f"{PUSHED}\n")
    assert "docker login --username AWS --password-stdin registry.example.org\n" in machine.calls
    assert "docker push registry.example.org/forecast-prod/mongo:t\n" in machine.calls
    assert (tmp_path / "given").read_text() == "secret-of-an-hour\n"
    assert "secret-of-an-hour" not in machine.calls


def test_a_registry_that_does_not_answer_is_a_failure_and_not_an_absent_image(machine: Machine) -> None:
    machine.program("aws", "echo 'An error occurred (AccessDeniedException)' >&2; exit 254")
    machine.program("docker", "")
    done = push(machine)
    assert done.returncode == 254
    assert "AccessDeniedException" in done.stderr
    assert "docker" not in machine.calls


GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "coop/forecast",
    "GITHUB_WORKFLOW_REF": "coop/forecast/.github/workflows/deliver.yml@refs/heads/main",
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_SHA": "d" * 40,
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_RUN_ID": "17",
    "GITHUB_RUN_ATTEMPT": "2",
    "RUNNER_ENVIRONMENT": "github-hosted",
}
IMAGE_IN_ECR = f"registry.example.org/forecast-prod/mongo@{PUSHED}"


def sign(machine: Machine, monkeypatch: pytest.MonkeyPatch, cosign: str) -> tuple[int, list[str]]:
    """The exit code, and how cosign was called."""
    for name, value in GITHUB.items():
        monkeypatch.setenv(name, value)
    machine.program("aws", "[[ $2 != describe-repositories ]] || echo registry.example.org/forecast-prod/mongo")
    machine.program("docker", "cat >/dev/null")
    machine.program("cosign", cosign)
    done = machine.run(ROOT / ".github" / "sign-image", "forecast-prod/mongo", PUSHED, "sbom.spdx.json")
    return done.returncode, [line for line in machine.calls.splitlines() if line.startswith("cosign ")]


def test_an_image_is_signed_once_what_it_holds_and_what_built_it_are_attested(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    code, calls = sign(
        machine, monkeypatch, f'[[ $4 != slsaprovenance1 ]] || cp "$6" "{tmp_path}/provenance"; [[ $1 != verify ]]'
    )
    assert code == 0
    assert [call.split()[1] for call in calls] == ["verify", "attest", "attest", "sign"]
    assert calls[1] == f"cosign attest --yes --type spdxjson --predicate sbom.spdx.json {IMAGE_IN_ECR}"
    assert calls[3] == f"cosign sign --yes {IMAGE_IN_ECR}"
    provenance = json.loads((tmp_path / "provenance").read_text("utf-8"))
    assert provenance["buildDefinition"]["externalParameters"]["workflow"] == {
        "ref": "refs/heads/main",
        "repository": "https://github.com/coop/forecast",
        "path": ".github/workflows/deliver.yml",
    }
    assert provenance["buildDefinition"]["resolvedDependencies"] == [
        {"uri": "git+https://github.com/coop/forecast@refs/heads/main", "digest": {"gitCommit": "d" * 40}}
    ]
    assert provenance["runDetails"]["metadata"]["invocationId"].endswith("/coop/forecast/actions/runs/17/attempts/2")


def test_an_image_that_is_signed_by_this_workflow_is_not_signed_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, calls = sign(machine, monkeypatch, "")
    assert code == 0
    issuer = "--certificate-oidc-issuer https://token.actions.githubusercontent.com"
    identity = f"--certificate-identity https://github.com/{GITHUB['GITHUB_WORKFLOW_REF']}"
    assert calls == [f"cosign verify {issuer} {identity} {IMAGE_IN_ECR}"]


def test_what_cannot_be_attested_is_not_signed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    code, calls = sign(machine, monkeypatch, "exit 1")
    assert code == 1
    assert [call.split()[1] for call in calls] == ["verify", "attest"]


def run_task(machine: Machine, ended: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here, and docs/runbooks/run-task needs it")
    outputs = """{"cluster_name": {"value": "forecast-prod"}, "run_task_network": {"value": "net"},
        "task_families": {"value": {"init": "forecast-prod-mongo-init"}}}"""
    log = json.dumps({"events": [{"message": "one line"}, {"message": "a tab:\tanother"}]})
    machine.program("terraform", f"cat <<'E'\n{outputs}\nE")
    machine.program(
        "aws",
        f"""case "$2 $*" in
          run-task*) echo arn:aws:ecs:eu-west-3:123456789012:task/forecast-prod/0a1b ;;
          describe-tasks*lastStatus*) echo STOPPED ;;
          describe-task-definition*) echo /forecast-prod/mongodb/tools ;;
          filter-log-events*) echo '{log}' ;;
          describe-tasks*) echo '{ended}' ;;
        esac""",
    )
    return machine.run(ROOT / "docs" / "runbooks" / "run-task", *arguments)


def test_run_task_prints_the_log_and_ends_with_the_exit_code_of_the_task(machine: Machine) -> None:
    ended = '{"tasks": [{"containers": [{"name": "prepare", "exitCode": 0}, {"name": "mongo-init", "exitCode": 3}]}]}'
    done = run_task(machine, ended, "init", "--help", "a b")
    assert (done.returncode, done.stdout) == (3, "one line\na tab:\tanother\n")
    assert '--overrides {"containerOverrides":[{"name":"mongo-init","command":["--help","a b"]}]}' in machine.calls
    assert "--log-stream-names mongo-init/mongo-init/0a1b " in machine.calls
    # The CLI applies what it is asked for by --query to each page, and reads no more than one of get-log-events.
    assert "--query events" not in machine.calls


def test_run_task_without_arguments_leaves_the_command_as_it_is(machine: Machine) -> None:
    ended = '{"tasks": [{"containers": [{"name": "mongo-init", "exitCode": 0}]}]}'
    assert run_task(machine, ended, "init").returncode == 0
    assert '--overrides {"containerOverrides":[{"name":"mongo-init"}]}' in machine.calls


def test_run_task_says_why_a_task_did_not_start(machine: Machine) -> None:
    ended = '{"tasks": [{"stoppedReason": "CannotPullContainerError", "containers": [{"name": "mongo-init"}]}]}'
    done = run_task(machine, ended, "init")
    assert done.returncode == 1
    assert "The task did not start: CannotPullContainerError" in done.stderr


def test_run_task_knows_only_the_tasks_that_terraform_made(machine: Machine) -> None:
    done = run_task(machine, "{}", "nothing")
    assert (done.returncode, done.stderr) == (2, "There is no task nothing.\n")
    assert "aws" not in machine.calls


def run_on_workers(
    machine: Machine,
    *arguments: str,
    code: int = 0,
    fails: str = "",
    workers: str = '{"number": 4, "network": "inner"}',
) -> subprocess.CompletedProcess[str]:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here, and docs/runbooks/run-on-workers needs it")
    outputs = f"""{{"cluster_name": {{"value": "forecast-prod"}}, "run_task_network": {{"value": "net"}},
        "workers": {{"value": {workers}}},
        "task_families": {{"value": {{"pipeline-workers": "forecast-prod-pipeline-workers"}}}}}}"""
    machine.program("terraform", f"cat <<'E'\n{outputs}\nE")
    ended = json.dumps({"tasks": [{"containers": [{"name": "pipeline-workers", "exitCode": code}]}]})
    machine.program(
        "aws",
        f"""case "$2 $*" in
          *{fails or "nothing"}*) exit 1 ;;
          run-task*) echo arn:aws:ecs:eu-west-3:123456789012:task/forecast-prod/0a1b ;;
          describe-tasks*lastStatus*) echo STOPPED ;;
          describe-task-definition*) echo /forecast-prod/pipeline ;;
          describe-tasks*) echo '{ended}' ;;
        esac""",
    )
    return machine.run(ROOT / "docs" / "runbooks" / "run-on-workers", *arguments)


def steps(machine: Machine) -> list[str]:
    """The calls to ECS: services with their numbers of tasks, the wait for them, the run."""
    found = re.findall(r"--service (\w+) --desired-count (\d+)|ecs (wait|run-task) ", machine.calls)
    return [f"{service} {count}" if service else other for service, count, other in found]


@pytest.mark.whole
@pytest.mark.parametrize(("asked", "started"), [("12", 12), ("0", 4)])
@pytest.mark.parametrize("code", [0, 1, 3])
def test_workers_are_started_for_a_run_and_stopped_however_it_ends(
    machine: Machine, asked: str, started: int, code: int
) -> None:
    done = run_on_workers(machine, asked, "--reprocess", code=code)
    assert done.returncode == code, done.stderr
    assert steps(machine) == ["scheduler 1", f"worker {started}", "wait", "run-task", "worker 0", "scheduler 0"]
    assert "--network-configuration inner " in machine.calls
    assert '{"containerOverrides":[{"name":"pipeline-workers","command":["--reprocess"]}]}' in machine.calls


def test_workers_that_do_not_start_are_stopped_and_nothing_is_run(machine: Machine) -> None:
    done = run_on_workers(machine, "2", fails="services-stable")
    assert done.returncode != 0
    assert steps(machine) == ["scheduler 1", "worker 2", "wait", "worker 0", "scheduler 0"]


def test_workers_that_could_not_be_stopped_are_reported(machine: Machine) -> None:
    done = run_on_workers(machine, "2", fails="update-service")
    assert done.returncode != 0
    assert "To stop them: aws ecs update-service --cluster forecast-prod --service worker" in done.stderr


def test_a_stack_without_workers_starts_none(machine: Machine) -> None:
    done = run_on_workers(machine, "2", workers="null")
    assert (done.returncode, "aws" in machine.calls) == (2, False)
    assert done.stderr == "This stack has no workers: set workers in its settings and apply.\n"


CHANGELOG = """# Changelog

## [Unreleased]

- Not yet.

## [2.1.0] - 2026-12-01

### Added

- A thing.

## [2.0.0] - 2026-11-01

- The first.
"""


def notes(machine: Machine, project: Path, tag: str) -> tuple[int, str, str]:
    (project / "pyproject.toml").write_text('[project]\nversion = "2.1.0"\n')
    (project / "CHANGELOG.md").write_text(CHANGELOG)
    done = machine.run(ROOT / ".github" / "release-notes", tag, cwd=project)
    return done.returncode, done.stdout, done.stderr


def test_the_newest_image_is_found_among_more_than_one_page_of_them(machine: Machine) -> None:
    images = [
        {"imageDigest": f"sha256:{number:064d}", "imagePushedAt": f"2026-{1 + number % 12:02d}-{1 + number // 12:02d}"}
        for number in range(150)
    ]
    # As the CLI prints all pages where it is not asked for a part of each.
    machine.program("aws", f"echo '{json.dumps({'imageDetails': images})}'")
    done = machine.run(ROOT / ".github" / "newest-image", "forecast-prod/pipeline")
    assert (done.returncode, done.stdout) == (0, f"sha256:{143:064d}\n"), done.stderr
    assert "--query" not in machine.calls
    assert "--repository-name forecast-prod/pipeline --filter tagStatus=TAGGED --output json" in machine.calls


def test_a_repository_without_an_image_is_a_failure(machine: Machine) -> None:
    machine.program("aws", """echo '{"imageDetails": []}'""")
    assert machine.run(ROOT / ".github" / "newest-image", "forecast-prod/pipeline").returncode != 0


def jobs(workflow: str) -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / ".github" / "workflows" / workflow).read_text("utf-8"))
    return dict(loaded["jobs"])


def test_production_waits_for_development_where_that_is_connected() -> None:
    delivery = jobs("deliver.yml")
    development, production = delivery["development"], delivery["production"]
    assert development["uses"] == production["uses"] == "./.github/workflows/stack.yml"
    assert delivery["images"]["needs"] == "checks"
    assert (development["needs"], development["if"]) == ("images", "vars.DEV_AWS_ROLE_MAIN != ''")
    assert production["needs"] == ["images", "development"]
    # A job that was skipped or failed ends those that need it, unless they say otherwise; `failure` is not among these.
    assert production["if"] == (
        "!cancelled() && needs.images.result == 'success' "
        '&& contains(fromJSON(\'["success", "skipped"]\'), needs.development.result)'
    )
    assert (development["with"]["prove"], "prove" in production["with"]) == ("crud-check", False)


def test_a_stack_gets_its_own_settings_and_its_own_digest_of_the_image_that_was_built_once() -> None:
    delivery = jobs("deliver.yml")
    for stack, prefix in (("development", "DEV_"), ("production", "")):
        given = delivery[stack]["with"]
        assert given["environment"] == stack
        names = {"region": "AWS_REGION", "role": "AWS_ROLE_MAIN", "backend": "TERRAFORM_BACKEND"}
        for name, variable in (names | {"variables": "TERRAFORM_VARIABLES"}).items():
            assert given[name] == f"${{{{ vars.{prefix}{variable} }}}}"
        for image in ("mongo", "pipeline"):
            output = f"{stack}_{image}"
            assert given[image] == f"${{{{ needs.images.outputs.{output} }}}}"
            assert delivery["images"]["outputs"][output] == f"${{{{ steps.{stack}.outputs.{image} }}}}"
    steps = [step.get("name") for step in delivery["images"]["steps"]]
    assert steps.count("Build") == 1


def test_the_drills_run_as_root_and_in_the_environment_of_their_job() -> None:
    """docker/drill/run ends at once where it is not root, and sudo alone would take the system's Python."""
    commands = [step["run"] for step in jobs("nightly.yml")["drills"]["steps"] if "run" in step]
    assert commands[-2:] == ["make install", 'sudo --preserve-env=CI_REQUIRE_INFRA env "PATH=$PATH" make drill']


def test_only_the_plan_that_was_shown_is_applied_and_only_from_the_environment() -> None:
    stack = jobs("stack.yml")
    plan, apply = stack["plan"], stack["apply"]
    assert "environment" not in plan
    assert (apply["needs"], apply["environment"]) == ("plan", "${{ inputs.environment }}")
    steps = {step.get("name"): step for step in apply["steps"]}
    lines = steps["Apply the saved plan"]["run"].splitlines()
    assert lines[0] == 'echo "$SHA256  saved.tfplan" | sha256sum --check --strict'
    assert lines[-1] == "terraform apply -input=false -no-color saved.tfplan"
    assert list(steps)[-1] == "Prove that the new image runs"


def test_a_release_says_what_the_changelog_says_of_it(machine: Machine, project: Path) -> None:
    assert notes(machine, project, "v2.1.0") == (0, "\n### Added\n\n- A thing.\n", "")


def test_a_tag_of_another_version_is_no_release(machine: Machine, project: Path) -> None:
    message = "The tag is v2.0.0, but pyproject.toml has version 2.1.0.\n"
    assert notes(machine, project, "v2.0.0") == (1, "", message)


def test_a_version_that_the_changelog_does_not_date_is_no_release(machine: Machine, project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nversion = "2.1.0"\n')
    (project / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- Not yet.\n")
    done = machine.run(ROOT / ".github" / "release-notes", "v2.1.0", cwd=project)
    assert done.returncode == 1
    assert done.stderr == 'CHANGELOG.md has nothing below "## [2.1.0] - YYYY-MM-DD".\n'
