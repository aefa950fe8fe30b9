# The day's work as one chain, started by the clock: each step begins when the one before has ended.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  # arn:…:task-definition/FAMILY:REVISION
  families = { for step in var.steps : step.name => split(":", split("/", step.task_definition_arn)[1])[0] }

  # What an execution is started with.
  input = {
    steps = [for step in var.steps : {
      step            = step.name
      task_definition = local.families[step.name]
      # Its program is called as its task is: forecast-prod-mongo-dump runs mongo-dump.
      overrides = length(step.arguments) == 0 ? {} : {
        ContainerOverrides = [{ Name = trimprefix(local.families[step.name], "${var.stack}-"), Command = step.arguments }]
      }
      seconds = step.hours * 3600
      stops   = step.stops
    }]
  }
}

resource "aws_sfn_state_machine" "this" {
  #checkov:skip=CKV_AWS_284:Spans of the chain's own say nothing that its history does not; the tasks are timed by their metrics.
  name     = var.name
  role_arn = aws_iam_role.this.arn

  definition = templatefile("${path.module}/chain.asl.json", {
    partition      = data.aws_partition.current.partition
    cluster        = var.cluster_arn
    subnets        = jsonencode(var.subnet_ids)
    security_group = var.security_group_id
  })

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  # It is refused where the role cannot write the log yet.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.stack}/chain"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "this" {
  name                 = var.name
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "states.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "run-the-steps"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "RunTheSteps"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = distinct([for step in var.steps : "${split("/", step.task_definition_arn)[0]}/${local.families[step.name]}"])
        Condition = { ArnEquals = { "ecs:cluster" = var.cluster_arn } }
      },
      {
        # A step whose time is over is stopped, and its end is looked at.
        Sid       = "StopAndSeeThem"
        Effect    = "Allow"
        Action    = ["ecs:StopTask", "ecs:DescribeTasks"]
        Resource  = "*"
        Condition = { ArnEquals = { "ecs:cluster" = var.cluster_arn } }
      },
      {
        Sid       = "TagThem"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = "*"
        Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      },
      {
        Sid       = "HandTheirRolesOver"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = distinct(flatten([for step in var.steps : step.passed_role_arns]))
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        # By this rule Step Functions learns of the end of a task (Step Functions developer guide, IAM policies for ECS).
        Sid      = "HearOfTheirEnd"
        Effect   = "Allow"
        Action   = ["events:PutTargets", "events:PutRule", "events:DescribeRule"]
        Resource = "arn:${data.aws_partition.current.partition}:events:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:rule/StepFunctionsGetEventsForECSTaskRule"
      },
      {
        # They have no resource to name (the same guide, "Logging using CloudWatch Logs").
        Sid    = "WriteTheLog"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
          "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
    ]
  })
}
