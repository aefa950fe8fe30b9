# What is not a number: a task that ended, a snapshot that failed. Each is mailed as a sentence.

locals {
  events = {
    # A member's task that stops takes its disk along, whatever the reason.
    member-stopped = {
      description = "A member's task stopped, and its disk is gone."
      severity    = "page"
      pattern = {
        source        = ["aws.ecs"]
        "detail-type" = ["ECS Task State Change"]
        detail = {
          clusterArn = [var.cluster_arn]
          lastStatus = ["STOPPED"]
          group      = [for member, _ in local.members : "service:${member}"]
        }
      }
      tells = { what = "$.detail.group", reason = "$.detail.stoppedReason", task = "$.detail.taskArn" }
    }
    task-failed = {
      description = "A task that runs once ended with an exit code other than 0, or could not start."
      severity    = "ticket"
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
      tells = { what = "$.detail.group", reason = "$.detail.stoppedReason", task = "$.detail.taskArn" }
    }
    snapshot-failed = {
      description = "A snapshot of a member's volume failed."
      severity    = "ticket"
      pattern = {
        source        = ["aws.backup"]
        "detail-type" = ["Backup Job State Change"]
        detail        = { state = ["FAILED", "ABORTED", "EXPIRED"], backupVaultName = [var.backup_vault_name] }
      }
      tells = { what = "$.detail.resourceArn", reason = "$.detail.statusMessage", task = "$.detail.backupJobId" }
    }
    # Of every stack in the account: the event names no vault.
    restore-failed = {
      description = "A restore from a snapshot failed; the weekly test of it, most likely."
      severity    = "ticket"
      pattern = {
        source        = ["aws.backup"]
        "detail-type" = ["Restore Job State Change"]
        detail        = { status = ["FAILED", "ABORTED"] }
      }
      tells = { what = "$.detail.createdResourceArn", reason = "$.detail.statusMessage", task = "$.detail.restoreJobId" }
    }
    # AWS stops a task to patch what is below it, at a time it says before. Of every stack in the account.
    task-retirement = {
      description = "AWS is going to stop tasks. A roll of the members has been started; see that it succeeds before that."
      severity    = "ticket"
      pattern     = local.retirement
      tells       = { what = "$.resources[0]", reason = "$.detail.eventDescription[0].latestDescription", task = "$.detail.startTime" }
    }
  }

  retirement = {
    source        = ["aws.health"]
    "detail-type" = ["AWS Health Event"]
    detail        = { service = ["ECS"], eventTypeCode = [{ prefix = "AWS_ECS_TASK_PATCHING_RETIREMENT" }] }
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
  arn  = aws_sns_topic.this[each.value.severity].arn

  # docs/runbooks/alarms.md knows the event by its name. What the event does not have stays empty.
  input_transformer {
    input_paths = each.value.tells
    # Not by jsonencode, which would escape the brackets.
    input_template = "\"${var.name}-${each.key}: ${each.value.description} <what>: <reason> (<task>)\""
  }
}
