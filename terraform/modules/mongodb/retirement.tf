# AWS retires tasks to patch what is below them, all of one revision of the platform on one date: the three members, which
# were started together, within one hour, and with them their disks (ECS developer guide, "Task retirement and maintenance").
#
# So no member gets old (the monthly roll), and where AWS announces a retirement all the same, a roll is started that day:
# it replaces the members one by one, days before AWS would replace them at once.

# The longest time that AWS leaves. A setting of the account, which only the stack that protects its data changes.
resource "aws_ecs_account_setting_default" "retirement" {
  count = var.deletion_protection ? 1 : 0

  name  = "fargateTaskRetirementWaitPeriod"
  value = "14"
}

resource "aws_cloudwatch_event_rule" "retirement" {
  name        = "${var.name}-retirement-roll"
  description = "AWS is going to stop tasks: the members are rolled before that"

  event_pattern = jsonencode({
    source        = ["aws.health"]
    "detail-type" = ["AWS Health Event"]
    detail        = { service = ["ECS"], eventTypeCode = [{ prefix = "AWS_ECS_TASK_PATCHING_RETIREMENT" }], statusCode = ["upcoming", "open"] }
  })
}

resource "aws_cloudwatch_event_target" "retirement" {
  rule     = aws_cloudwatch_event_rule.retirement.name
  arn      = aws_ecs_cluster.this.arn
  role_arn = aws_iam_role.retirement.arn
  input    = jsonencode({ containerOverrides = [{ name = "mongo-roll", command = ["--again"] }] })

  ecs_target {
    task_definition_arn = module.tool["roll"].arn
    launch_type         = "FARGATE"
    platform_version    = "1.4.0"
    propagate_tags      = "TASK_DEFINITION"

    network_configuration {
      subnets          = var.subnet_ids
      security_groups  = [aws_security_group.client.id]
      assign_public_ip = false
    }
  }

  # The roll refuses while the set is not whole or a dump is old; then its failure is mailed, and the monthly roll is next.
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}

resource "aws_iam_role" "retirement" {
  name                 = "${var.name}-retirement-roll"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "retirement" {
  name = "start-the-roll"
  role = aws_iam_role.retirement.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "StartTheRoll"
        Effect    = "Allow"
        Action    = "ecs:RunTask"
        Resource  = "${split("/", module.tool["roll"].arn)[0]}/${module.tool["roll"].family}:*"
        Condition = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.this.arn } }
      },
      {
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
        Resource  = [module.tool["roll"].task_role_arn, module.tool["roll"].execution_role_arn]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
  })
}
