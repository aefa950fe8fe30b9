"""The stack that Terraform makes on a server that pretends to be AWS, and ways to look at it and act in it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any, Final
from urllib.request import Request, urlopen

import boto3

ROOT: Final = Path(__file__).resolve().parents[2]
REGION: Final = "eu-west-3"
STATE_BUCKET: Final = "terraform-state"
DIGESTS: Final = {"mongo": "sha256:" + "1" * 64, "pipeline": "sha256:" + "2" * 64}
# Far beyond what a busy machine needs: moto imports for 20 s at a load of 15 a core.
START_SECONDS: Final = 600.0
# Where the programs are, and from where Terraform gets its provider.
KEPT_VARIABLES: Final = {"PATH", "HOME", "LANG", "TMPDIR", "CHECKPOINT_DISABLE", "TF_CLI_CONFIG_FILE"}
# Every request is allowed: the state in which moto starts.
WITHOUT_IAM: Final = "inf"

Json = dict[str, Any]


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def moto_server(log: Path) -> Iterator[str]:
    """Give the endpoint of moto's server with this folder's additions; its output goes to `log`."""
    port = free_port()
    environment = {
        **os.environ,
        # Terraform attaches policies that AWS provides.
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        # A service runs as many tasks as it is asked for.
        "MOTO_ECS_SERVICE_RUNNING": "1",
    }
    told, listens = os.pipe()
    with log.open("wb") as output, os.fdopen(told, "rb") as first_byte:
        command = [sys.executable, "-m", "tests.infra.moto_server", str(port), str(listens)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, pass_fds=[listens]
        )
        os.close(listens)
        try:
            # It writes a byte when it listens; where it ends before, its end of the pipe is closed.
            if not (select([first_byte], [], [], START_SECONDS)[0] and first_byte.read(1)):
                raise RuntimeError(f"moto's server did not start:\n{log.read_text()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@dataclass
class Stack:
    """A copy of terraform/ with its state on `endpoint`, and boto3 clients of that endpoint."""

    endpoint: str
    folder: Path
    state_key: str

    # Terraform.

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach the server; nothing of whoever runs the tests."""
        return {
            **{name: value for name, value in os.environ.items() if name in KEPT_VARIABLES},
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            # What the server cannot do is an error at once, not after 25 tries.
            "AWS_MAX_ATTEMPTS": "2",
            "TF_DATA_DIR": str(self.folder / ".terraform"),
            **{f"TF_VAR_{image}_image_digest": digest for image, digest in DIGESTS.items()},
        }

    def terraform(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> tuple[int, str]:
        """Run Terraform; give its exit code and its output."""
        command = ["terraform", f"-chdir={self.folder}", *arguments]
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode not in allowed:
            _, mark, errors = done.stdout.partition("Error: ")
            raise AssertionError(
                f"terraform {arguments[0]} ended with {done.returncode}: {mark}{errors or done.stdout}"
            )
        return done.returncode, done.stdout

    def initialise(self) -> None:
        """Keep the state on the server, as backend.hcl.example says it, in a bucket that is there."""
        settings = {"bucket": STATE_BUCKET, "key": self.state_key, "region": REGION, "use_lockfile": "true"}
        settings["use_path_style"] = "true"  # the server has no host name of its own for each bucket
        given = [f"-backend-config={name}={value}" for name, value in settings.items()]
        self.terraform("init", "-input=false", "-lockfile=readonly", "-no-color", *given)

    def apply(self, *settings: Path, **variables: str) -> None:
        """Make what the settings say, as a delivery does it: by a plan that was saved; `variables` win over them."""
        self.plan(*settings, **variables)
        self.terraform("apply", "-input=false", "-no-color", str(self._saved_plan))

    def plan(self, *settings: Path, **variables: str) -> dict[str, Json]:
        """What a plan changes, by address, as `terraform show -json` tells it. What is there is not looked at again."""
        options = ("-refresh=false", "-input=false", "-no-color", f"-out={self._saved_plan}")
        self.terraform("plan", *options, *_given(settings, variables))
        changes = {entry["address"]: entry["change"] for entry in json.loads(self.shown_plan())["resource_changes"]}
        idle = (["no-op"], ["read"])
        return {address: change for address, change in changes.items() if change["actions"] not in idle}

    def shown_plan(self) -> str:
        """The plan made last, as JSON."""
        _, shown = self.terraform("show", "-json", str(self._saved_plan))
        return shown

    @property
    def _saved_plan(self) -> Path:
        return self.folder / "saved.tfplan"

    def state(self) -> Json:
        """The state as it is kept."""
        body = self.client("s3").get_object(Bucket=STATE_BUCKET, Key=self.state_key)["Body"].read()
        found = json.loads(body)
        assert isinstance(found, dict)
        return found

    # The server.

    def client(self, service: str, credentials: dict[str, str] | None = None) -> Any:
        """A boto3 client, of the administrator or of given keys."""
        given = credentials or {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **given)  # type: ignore[call-overload]

    def assume(self, role_arn: str) -> dict[str, str]:
        """Keys of a role, as boto3 takes them. Who may assume it is for AWS to enforce: this asks without IAM."""
        keys = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    @contextmanager
    def enforced_iam(self) -> Iterator[None]:
        """From now on the server refuses what no policy allows."""
        self._reset_auth("0")
        try:
            yield
        finally:
            self._reset_auth(WITHOUT_IAM)

    def _reset_auth(self, requests_before: str) -> None:
        request = Request(f"{self.endpoint}/moto-api/reset-auth", data=requests_before.encode(), method="POST")
        request.add_header("Content-Type", "text/plain")
        urlopen(request, timeout=10).close()


def _given(settings: tuple[Path, ...], variables: dict[str, str]) -> list[str]:
    """Files of settings and single variables as Terraform's options; the later wins."""
    return [f"-var-file={path}" for path in settings] + [f"-var={name}={value}" for name, value in variables.items()]


def copy_of_terraform(target: Path) -> Path:
    """The configuration without state, settings or plugins."""
    ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfvars", "backend.hcl")
    return Path(shutil.copytree(ROOT / "terraform", target, ignore=ignored))
