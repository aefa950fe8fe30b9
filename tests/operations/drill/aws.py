"""What stands for AWS: moto, ECS as a roll sees it, and the metadata of a task."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer

from tests.operations.drill.cluster import PARAMETER, Cluster
from tests.operations.drill.engine import GATEWAY, NUMBERS

REGION: Final = "eu-west-3"
RAW, PROCESSED, BACKUP = "forecast-drill-raw", "forecast-drill-processed", "forecast-drill-backup"


@contextmanager
def aws_of_members() -> Iterator[dict[str, str]]:
    """moto at an address that members and containers reach; it knows what the one of this process knows."""
    server = ThreadedMotoServer(ip_address=GATEWAY, port=0, verbose=False)
    server.start()
    try:
        yield aws_environment(server)
    finally:
        server.stop()


class Ecs:
    """ECS as far as a roll sees it: an update ends the task and starts another one on a new empty disk."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._definitions = {f"mongo-{number}": f"arn:drill:task-definition/mongo-{number}:1" for number in NUMBERS}
        self._running = dict.fromkeys(self._definitions, 1)
        self.most_away = 0  # how many tasks did not run at the same time

    def describe_services(self, *, cluster: str, services: list[str]) -> dict[str, Any]:
        """One service; while its task is being replaced, none of it runs."""
        definition = self._definitions[services[0]]
        deployments = [{"id": definition, "status": "PRIMARY", "taskDefinition": definition}]
        count = {"runningCount": self._running[services[0]], "desiredCount": 1}
        return {
            "services": [
                {"serviceName": services[0], "taskDefinition": definition, "deployments": deployments, **count}
            ]
        }

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:  # noqa: N803  boto3's name
        """The second revision is the newest of each family."""
        return {"taskDefinition": {"taskDefinitionArn": f"arn:drill:task-definition/{taskDefinition}:2"}}

    def update_service(self, *, service: str, taskDefinition: str, **_: object) -> dict[str, Any]:  # noqa: N803
        """Replace the task, in the background, as ECS does."""
        self._definitions[service], self._running[service] = taskDefinition, 0
        self.most_away = max(self.most_away, len(self._running) - sum(self._running.values()))
        threading.Thread(target=self._replace, args=(service,), daemon=True).start()
        return {"service": {"deployments": [{"id": taskDefinition, "status": "PRIMARY"}]}}

    def _replace(self, service: str) -> None:
        number = int(service.rpartition("-")[2])
        self._cluster.terminate(number)
        self._cluster.new_disk(number)
        self._cluster.start(number)
        self._running[service] = 1


@contextmanager
def task_metadata(arn: str) -> Iterator[str]:
    """ECS's task metadata endpoint of a task with that ARN; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(HTTPStatus.OK if self.path == "/v4/drill/task" else HTTPStatus.NOT_FOUND)
            self.end_headers()
            self.wfile.write(json.dumps({"TaskARN": arn}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing: the table is the output."""

    with ThreadingHTTPServer((GATEWAY, 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{GATEWAY}:{server.server_port}/v4/drill"
        server.shutdown()


def aws_environment(server: ThreadedMotoServer) -> dict[str, str]:
    """Environment variables that make boto3 use the simulated AWS and nothing else."""
    host, port = server.get_host_and_port()
    return {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "drill",
        "AWS_SECRET_ACCESS_KEY": "drill",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def parameter() -> str:
    """The marker as SSM has it."""
    return str(boto3.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]["Value"])


def set_parameter(value: str) -> None:
    """Set the marker by hand, as the runbooks do."""
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value=value, Type="String", Overwrite=True)
