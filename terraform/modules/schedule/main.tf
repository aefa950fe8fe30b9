# Starts a task or a chain at times of a time zone. What could not be started, after three more tries within an hour, is
# kept in a queue and alarmed of. What starts and fails is not started again: its end is an event, which is mailed.

resource "aws_scheduler_schedule" "this" {
  #checkov:skip=CKV_AWS_297:The schedule names a task definition and subnets; there is no secret in it to encrypt with a key of our own.
  name                         = var.name
  description                  = var.description
  schedule_expression          = var.schedule_expression
  schedule_expression_timezone = var.schedule_timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = try(var.task.cluster_arn, var.state_machine.arn)
    role_arn = aws_iam_role.this.arn

    dynamic "ecs_parameters" {
      for_each = local.tasks

      content {
        task_definition_arn = ecs_parameters.value.definition_arn
        launch_type         = "FARGATE"
        platform_version    = "1.4.0"
        propagate_tags      = "TASK_DEFINITION"

        network_configuration {
          subnets          = ecs_parameters.value.subnet_ids
          security_groups  = [ecs_parameters.value.security_group_id]
          assign_public_ip = false
        }
      }
    }

    input = var.input

    retry_policy {
      maximum_retry_attempts       = 3
      maximum_event_age_in_seconds = 3600
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }
  }
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the most that SQS keeps
  sqs_managed_sse_enabled   = true
}

data "aws_caller_identity" "current" {}

locals {
  # One of the two, and none of the other.
  tasks          = [for task in [var.task] : task if task != null]
  state_machines = [for machine in [var.state_machine] : machine if machine != null]
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-schedule"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "start-it"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = flatten([
      [for machine in local.state_machines : {
        Sid      = "StartTheChain"
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = machine.arn
      }],
      [for task in local.tasks : [
        {
          Sid    = "RunTheTask"
          Effect = "Allow"
          Action = "ecs:RunTask"
          # arn:…:task-definition/FAMILY:REVISION
          Resource  = replace(task.definition_arn, "/:[0-9]+$/", ":*")
          Condition = { ArnEquals = { "ecs:cluster" = task.cluster_arn } }
        },
        {
          # RunTask tags the task with the tags of its definition.
          Sid       = "TagIt"
          Effect    = "Allow"
          Action    = "ecs:TagResource"
          Resource  = "*"
          Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
        },
        {
          Sid       = "HandItsRolesOver"
          Effect    = "Allow"
          Action    = "iam:PassRole"
          Resource  = task.passed_role_arns
          Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
        },
      ]],
      {
        Sid      = "KeepWhatCouldNotStart"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.dead_letters.arn
      },
    ])
  })
}
