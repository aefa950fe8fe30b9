# AWS retires tasks of one age on one date: the members are rolled before that.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "forecast-test"
  kms_key_arn            = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-a", "subnet-b", "subnet-c"]
  domain                 = "forecast-test.internal"
  replica_set            = "forecast"
  mongo_image            = "registry/mongo@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  mongo_repository_arn   = "arn:aws:ecr:eu-west-3:123456789012:repository/mongo"
  tools_image            = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  tools_repository_arn   = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  replica_key_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:key"
  user_secret_arns = {
    root    = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:root"
    app     = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app"
    backup  = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:backup"
    monitor = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:monitor"
    roll    = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:roll"
  }
  tls_secret_arns = {
    ca      = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca"
    mongo-1 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-1"
    mongo-2 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-2"
    mongo-3 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-3"
  }
  ca_file             = "/run/mongo/ca.pem"
  backup_bucket       = "forecast-test-backup"
  max_dump_age_hours  = 26
  volume_size_gib     = 20
  log_retention_days  = 30
  deletion_protection = false
}

run "an_announcement_starts_the_roll" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.retirement.event_pattern).detail.eventTypeCode == [{ prefix = "AWS_ECS_TASK_PATCHING_RETIREMENT" }]
    error_message = "AWS Health's word for it."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_target.retirement.input) == { containerOverrides = [{ name = "mongo-roll", command = ["--again"] }] }
    error_message = "Every member gets a new task, also where nothing else is new."
  }
  assert {
    condition = (
      one(aws_cloudwatch_event_target.retirement.ecs_target).task_definition_arn == module.tool["roll"].arn
      && one(one(aws_cloudwatch_event_target.retirement.ecs_target).network_configuration).subnets == toset(var.subnet_ids)
      && !one(one(aws_cloudwatch_event_target.retirement.ecs_target).network_configuration).assign_public_ip
    )
    error_message = "It is the roll that is started by hand, where that one runs."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.retirement.policy).Statement : [statement.Action, statement.Resource]] == [
      ["ecs:RunTask", "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-mongo-roll:*"],
      ["ecs:TagResource", "*"],
      ["iam:PassRole", [module.tool["roll"].task_role_arn, module.tool["roll"].execution_role_arn]],
    ]
    error_message = "The rule may start this task, and no other."
  }
}

run "a_stack_to_try_things_on_changes_no_setting_of_the_account" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = length(aws_ecs_account_setting_default.retirement) == 0
    error_message = "Destroyed, it would take production's setting along."
  }
}

run "two_weeks_to_act_in_production" {
  command = plan
  module { source = "./modules/mongodb" }

  variables { deletion_protection = true }

  assert {
    condition     = [for setting in aws_ecs_account_setting_default.retirement : [setting.name, setting.value]] == [["fargateTaskRetirementWaitPeriod", "14"]]
    error_message = "The longest that AWS leaves."
  }
}
