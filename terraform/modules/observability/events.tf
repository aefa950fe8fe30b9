# What is not a number: a task that ended, a snapshot that failed. Each is mailed as it is.

locals {
  events = {
    # A member's task that stops takes its disk along, whatever the reason.
    member-stopped = {
      description = "A member's task stopped, and its disk is gone."
      pattern = {
        source        = ["aws.ecs"]
        "detail-type" = ["ECS Task State Change"]
        detail = {
          clusterArn = [var.cluster_arn]
          lastStatus = ["STOPPED"]
          group      = [for member, _ in local.members : "service:${member}"]
        }
      }
    }
    task-failed = {
      description = "A task that runs once ended with an exit code other than 0, or could not start."
      pattern = {
        source        = ["aws.ecs"]
        "detail-type" = ["ECS Task State Change"]
        detail = {
          clusterArn = [var.cluster_arn]
          lastStatus = ["STOPPED"]
          group      = [for family in var.task_families : "family:${family}"]
          "$or" = [
            { containers = { exitCode = [{ "anything-but" = [0] }] } },
            { stopCode = ["TaskFailedToStart"] },
          ]
        }
      }
    }
    snapshot-failed = {
      description = "A snapshot of a member's volume failed."
      pattern = {
        source        = ["aws.backup"]
        "detail-type" = ["Backup Job State Change"]
        detail        = { state = ["FAILED", "ABORTED", "EXPIRED"], backupVaultName = [var.backup_vault_name] }
      }
    }
    restore-failed = {
      description = "A restore from a snapshot failed; the weekly test of it, most likely."
      pattern = {
        source        = ["aws.backup"]
        "detail-type" = ["Restore Job State Change"]
        detail        = { status = ["FAILED", "ABORTED"] }
      }
    }
    # AWS stops a task to patch what is below it, at a time it says before.
    task-retirement = {
      description = "AWS is going to stop a task; roll the members before that."
      pattern = {
        source        = ["aws.health"]
        "detail-type" = ["AWS Health Event"]
        detail        = { service = ["ECS"], eventTypeCode = [{ prefix = "AWS_ECS_TASK_PATCHING_RETIREMENT" }] }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "mail" {
  for_each = local.events

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = aws_sns_topic.alarms.arn
}
