# A MongoDB replica set of three members on ECS Fargate: three services of one task each, one in each zone.
#
# The volume of a task that a service manages is deleted with the task, always. So whatever replaces a task costs a
# member its disk, and whatever replaces two at once costs the set its majority. Everything below follows from that.

locals {
  # Member to subnet, and so to zone.
  members = { for index, subnet in var.subnet_ids : "mongo-${index + 1}" => { subnet_id = subnet } }
  hosts   = { for member, _ in local.members : member => "${member}.${var.domain}:27017" }

  port = 27017

  # MongoDB's own rule: half of the memory beyond 1 GiB, at least 0.25 (reference manual, storage.wiredTiger).
  cache_gib = max(0.25, 0.5 * (var.member_memory / 1024 - 1))

  # The plan in AWS Backup finds the volumes by this tag.
  volume_tag = { key = "BackupPlan", value = var.name }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:The members report state, lag and disk themselves, and CPU and memory are free metrics of ECS; Container Insights would cost more than all alarms together.
  name = var.name
}

resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = var.domain
  description = "Names of the members of ${var.name}"
  vpc         = var.vpc_id
}

# Names do not wait for health: a member finds the others by name before any of them can be healthy.
resource "aws_service_discovery_service" "member" {
  for_each = local.members

  name        = each.key
  description = "The address of ${each.key}"

  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.this.id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

# Made with a new task definition, never changed again: Terraform must not restart a member, and any change of a service
# can. forecast mongo roll brings new task definitions and volumes to the members, one after the other.
resource "aws_ecs_service" "member" {
  #checkov:skip=CKV_AWS_332:1.4.0 is the newest platform version; named, so that AWS cannot put another one under a running set.
  for_each = local.members

  name             = each.key
  cluster          = aws_ecs_cluster.this.id
  task_definition  = aws_ecs_task_definition.member[each.key].arn
  launch_type      = "FARGATE"
  platform_version = "1.4.0"
  desired_count    = 1

  # Two tasks of one member must never live at once.
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  # It would stop a member to start it in another zone.
  availability_zone_rebalancing = "DISABLED"
  # A member that waits for a human is not a failed deployment.
  wait_for_steady_state   = false
  enable_execute_command  = false
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  network_configuration {
    subnets          = [each.value.subnet_id]
    security_groups  = [aws_security_group.member.id]
    assign_public_ip = false
  }

  service_registries {
    registry_arn = aws_service_discovery_service.member[each.key].arn
  }

  volume_configuration {
    name = "data"

    managed_ebs_volume {
      role_arn         = aws_iam_role.infrastructure.arn
      encrypted        = true
      kms_key_id       = var.kms_key_arn
      volume_type      = "gp3"
      size_in_gb       = var.volume_size_gib
      iops             = 3000
      throughput       = 125
      file_system_type = "xfs"

      tag_specifications {
        resource_type  = "volume"
        propagate_tags = "SERVICE"
        tags           = { (local.volume_tag.key) = local.volume_tag.value, Member = each.key }
      }
    }
  }

  lifecycle {
    ignore_changes = all
  }

  depends_on = [
    aws_iam_role_policy.infrastructure_key,
    aws_iam_role_policy.member_execution,
    aws_iam_role_policy_attachment.infrastructure,
  ]
}

# Terraform refuses every plan that would remove it, and with it the plan that would remove the services.
resource "terraform_data" "deletion_protection" {
  count = var.deletion_protection ? 1 : 0

  input = [for service in aws_ecs_service.member : service.name]

  lifecycle {
    prevent_destroy = true
  }
}
