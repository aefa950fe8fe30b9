"""moto's server, with the few things kept that moto 5.2.5 forgets or refuses, so that a second plan can be empty.

It shows that the provider sends a value and reads the same one back; not that AWS takes it.

    python -m tests.infra.moto_server PORT DESCRIPTOR

DESCRIPTOR is that of a pipe, which is told when the server listens.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote, unquote

from flask import request
from moto.backup import urls as backup_urls
from moto.backup.responses import BackupResponse
from moto.budgets.responses import BudgetsResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.s3.models import FakeDeleteMarker, S3Backend
from moto.server import main
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.responses import StepFunctionResponse
from werkzeug.serving import BaseWSGIServer

Json = dict[str, Any]
NOT_FOUND: TYPE_RESPONSE = (
    404,
    {"x-amzn-ErrorType": "ResourceNotFoundException"},
    json.dumps({"message": "there is no such resource"}),
)
# What ECS is told of a service and moto does not keep: name on the wire, attribute of moto's service.
ECS_SERVICE_KEEPS = {
    "enableExecuteCommand": "enable_execute_command",
    "enableECSManagedTags": "enable_ecs_managed_tags",
    "availabilityZoneRebalancing": "availability_zone_rebalancing",
    "deploymentConfiguration": "deployment_configuration",
}


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _kept(response: BackupResponse, kind: str) -> dict[str, Json]:
    """The resources of a kind that moto has no model of, in this account and region."""
    backend = response.backup_backend
    if not hasattr(backend, kind):
        setattr(backend, kind, {})
    found: dict[str, Json] = getattr(backend, kind)
    return found


def _name_in_path(response: BackupResponse) -> str:
    return str(response.path.rstrip("/").split("/")[-1])


# AWS Backup: which volumes a plan takes.


def _create_backup_selection(self: BackupResponse) -> str:
    plan_id, selection_id = self.path.split("/")[3], str(uuid.uuid4())
    made = {"BackupPlanId": plan_id, "SelectionId": selection_id, "CreationDate": _now()}
    _kept(self, "selections")[selection_id] = json.loads(self.body) | made
    return json.dumps(made)


def _get_backup_selection(self: BackupResponse) -> str | TYPE_RESPONSE:
    found = _kept(self, "selections").get(_name_in_path(self))
    return NOT_FOUND if found is None else json.dumps(found)


def _delete_backup_selection(self: BackupResponse) -> str:
    _kept(self, "selections").pop(_name_in_path(self), None)
    return "{}"


# AWS Backup: the rehearsal of restores.


def _create_restore_testing_plan(self: BackupResponse) -> str:
    asked = json.loads(self.body)
    plan = asked["RestoreTestingPlan"]
    name = plan["RestoreTestingPlanName"]
    arn = f"arn:aws:backup:{self.region}:{self.current_account}:restore-testing-plan:{name}"
    made = {"RestoreTestingPlanArn": arn, "RestoreTestingPlanName": name, "CreationTime": _now()}
    _kept(self, "restore_testing_plans")[name] = plan | made
    self.backup_backend.tag_resource(arn, asked.get("Tags") or {})
    return json.dumps(made)


def _get_restore_testing_plan(self: BackupResponse) -> str | TYPE_RESPONSE:
    found = _kept(self, "restore_testing_plans").get(_name_in_path(self))
    return NOT_FOUND if found is None else json.dumps({"RestoreTestingPlan": found})


def _delete_restore_testing_plan(self: BackupResponse) -> str:
    _kept(self, "restore_testing_plans").pop(_name_in_path(self), None)
    return "{}"


def _selections_path(self: BackupResponse) -> tuple[str, str]:
    """The names of plan and selection in /restore-testing/plans/{plan}/selections/{selection}."""
    parts = self.path.rstrip("/").split("/")
    return parts[3], parts[-1]


def _create_restore_testing_selection(self: BackupResponse) -> str:
    plan, _ = _selections_path(self)
    selection = json.loads(self.body)["RestoreTestingSelection"]
    name = selection["RestoreTestingSelectionName"]
    made = {"RestoreTestingPlanName": plan, "RestoreTestingSelectionName": name, "CreationTime": _now()}
    _kept(self, "restore_testing_selections")[f"{plan}/{name}"] = selection | made
    return json.dumps(made)


def _get_restore_testing_selection(self: BackupResponse) -> str | TYPE_RESPONSE:
    found = _kept(self, "restore_testing_selections").get("/".join(_selections_path(self)))
    return NOT_FOUND if found is None else json.dumps({"RestoreTestingSelection": found})


def _delete_restore_testing_selection(self: BackupResponse) -> str:
    _kept(self, "restore_testing_selections").pop("/".join(_selections_path(self)), None)
    return "{}"


def _list_recovery_points_by_backup_vault(self: BackupResponse) -> str:
    """moto makes no snapshots."""
    return json.dumps({"RecoveryPoints": []})


def _list_tags(self: BackupResponse) -> str:
    """moto reads the ARN from a path that ends in a slash only."""
    arn = unquote(_name_in_path(self))
    return json.dumps({"Tags": self.backup_backend.list_tags(resource_arn=arn)})


def extend_backup() -> None:
    """Selections, restore testing and tags of AWS Backup."""
    for method in (
        _create_backup_selection,
        _get_backup_selection,
        _delete_backup_selection,
        _create_restore_testing_plan,
        _get_restore_testing_plan,
        _delete_restore_testing_plan,
        _create_restore_testing_selection,
        _get_restore_testing_selection,
        _delete_restore_testing_selection,
        _list_recovery_points_by_backup_vault,
        _list_tags,
    ):
        setattr(BackupResponse, method.__name__.removeprefix("_"), method)
    plan, selection = "(?P<plan>[^/]+)", "(?P<selection>[^/]+)"
    for path in ("plans", f"plans/{plan}", f"plans/{plan}/selections", f"plans/{plan}/selections/{selection}"):
        backup_urls.url_paths[f"{{0}}/restore-testing/{path}$"] = BackupResponse.dispatch
    for end in ("", "/"):
        backup_urls.url_paths[f"{{0}}/backup-vaults/(?P<name>[^/]+)/recovery-points{end}$"] = BackupResponse.dispatch


Answering = Callable[[EC2ContainerServiceResponse], ActionResult]


def _keeping(answer: Answering) -> Answering:
    def answer_and_keep(self: EC2ContainerServiceResponse) -> ActionResult:
        result = answer(self)
        service: Any = result.result["service"]  # type: ignore[index]
        for wire, attribute in ECS_SERVICE_KEEPS.items():
            value = self._get_param(wire)
            if value is not None:
                setattr(service, attribute, value)
        volumes = self._get_param("volumeConfigurations")
        if volumes is not None:
            service.deployments[0]["volumeConfigurations"] = volumes
        return result

    return answer_and_keep


def extend_ecs() -> None:
    """The volumes that a service manages, and four of its settings."""
    ecs: Any = EC2ContainerServiceResponse
    ecs.create_service = _keeping(ecs.create_service)
    ecs.update_service = _keeping(ecs.update_service)


def _describe_subscribers_for_notification(self: BudgetsResponse) -> str:
    budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
    asked = self._get_param("Notification")
    same = ("NotificationType", "Threshold", "ComparisonOperator")
    (found,) = (one for one in budget.notifications if all(one.details[key] == asked[key] for key in same))
    return json.dumps({"Subscribers": found.subscribers})


def extend_budgets() -> None:
    """The subscribers and the tags of a budget."""
    budgets: Any = BudgetsResponse
    tags: dict[str, list[Json]] = {}
    create = budgets.create_budget

    def create_budget(self: Any) -> str:
        tags[self._get_param("Budget")["BudgetName"]] = self._get_param("ResourceTags") or []
        return str(create(self))

    def list_tags_for_resource(self: Any) -> str:
        return json.dumps({"ResourceTags": tags.get(self._get_param("ResourceARN").rpartition("/")[2], [])})

    budgets.create_budget = create_budget
    budgets.list_tags_for_resource = list_tags_for_resource
    budgets.describe_subscribers_for_notification = _describe_subscribers_for_notification


def _validate_state_machine_definition(self: StepFunctionResponse) -> ActionResult:
    """By moto's own parser of the language, which is Amazon's grammar."""
    AmazonStateLanguageParser.parse(self._get_param("definition"))
    return ActionResult({"result": "OK", "diagnostics": [], "truncated": False})


def _list_state_machine_versions(self: StepFunctionResponse) -> ActionResult:
    """None is published here."""
    return ActionResult({"stateMachineVersions": []})


def extend_stepfunctions() -> None:
    """The check of a definition that the provider asks for before it plans, and what it looks for after it."""
    step_functions: Any = StepFunctionResponse
    step_functions.validate_state_machine_definition = _validate_state_machine_definition
    step_functions.list_state_machine_versions = _list_state_machine_versions


def extend_s3() -> None:
    """Buckets that hold objects: a default lock changes, strange keys are listed, delete markers can be deleted."""
    backend: Any = S3Backend
    marker: Any = FakeDeleteMarker
    marker.dispose = lambda self: None  # moto frees the bytes of every version, and a marker has none

    def put_object_lock_configuration(
        self: Any, bucket_name: str, lock_enabled: bool, mode: str | None, days: int | None, years: int | None
    ) -> None:
        bucket = self.get_bucket(bucket_name)
        bucket.object_lock_enabled = bucket.object_lock_enabled or lock_enabled
        bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years

    backend.put_object_lock_configuration = put_object_lock_configuration
    backend.list_object_versions = _encoding(backend.list_object_versions)


class _EncodedKey:
    """A version of an object, its key percent-encoded."""

    def __init__(self, version: Any) -> None:
        self._version = version
        self.name = quote(version.name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._version, name)


def _encoding(listing: Callable[..., Any]) -> Callable[..., Any]:
    """Percent-encode what is listed where that is asked for; else the provider cannot empty a bucket of such keys."""

    def list_encoded(*arguments: Any, **named: Any) -> Any:
        versions, prefixes, markers, *rest = listing(*arguments, **named)
        if request.args.get("encoding-type") == "url":
            versions, markers = [_EncodedKey(key) for key in versions], [_EncodedKey(key) for key in markers]
        return versions, prefixes, markers, *rest

    return list_encoded


def extend_ec2() -> None:
    """The description of a rule that names a group or a prefix list instead of an address range."""
    rule: Any = SecurityGroupRule
    initialise = rule.__init__

    def initialise_and_keep(self: Any, *arguments: Any, **named: Any) -> None:
        initialise(self, *arguments, **named)
        self.prefix_list = named.get("prefix_list_id") or {}

    def description(self: Any) -> str | None:
        for peer in (self.ip_range, self.source_group, self.prefix_list):
            if peer.get("Description"):
                return str(peer["Description"])
        return None

    rule.__init__ = initialise_and_keep
    rule.description = property(description)


def _is_met(condition: Json) -> bool:
    """The two conditions that the configuration's policies for S3 have; moto takes every one it does not know for met.

    The way to this server counts as TLS.
    """
    if condition.get("Bool", {}).get("aws:SecureTransport") == "false":
        return False
    prefix = condition.get("StringLike", {}).get("s3:prefix")
    return prefix is None or fnmatchcase(request.args.get("prefix", ""), prefix)


def extend_iam() -> None:
    """A statement whose condition is not met says nothing."""
    statement: Any = IAMPolicyStatement
    evaluate = statement.is_action_permitted

    def judge_with_condition(self: Any, *arguments: Any, **named: Any) -> PermissionResult:
        if not _is_met(self._statement.get("Condition", {})):
            return PermissionResult.NEUTRAL
        result: PermissionResult = evaluate(self, *arguments, **named)
        return result

    statement.is_action_permitted = judge_with_condition


def tell_when_listening(descriptor: int) -> None:
    """Write a byte to this pipe when a connection would be accepted."""
    server: Any = BaseWSGIServer
    listen = server.server_activate

    def listen_and_tell(self: Any) -> None:
        listen(self)
        os.write(descriptor, b"\n")
        os.close(descriptor)

    server.server_activate = listen_and_tell


if __name__ == "__main__":
    extend_backup()
    extend_budgets()
    extend_ecs()
    extend_stepfunctions()
    extend_s3()
    extend_ec2()
    extend_iam()
    tell_when_listening(int(sys.argv[2]))
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
