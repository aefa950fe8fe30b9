# A task, or a chain of them, that runs by the clock.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-3:123456789012:dead-letters" }
  }
}

variables {
  name        = "forecast-test-pipeline"
  description = "Runs the pipeline"
  task = {
    cluster_arn       = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
    definition_arn    = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-pipeline:7"
    passed_role_arns  = ["arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/start"]
    subnet_ids        = ["subnet-a", "subnet-b", "subnet-c"]
    security_group_id = "sg-1"
  }
  schedule_expression = "cron(15 5 * * ? *)"
}

run "in_local_time" {
  module { source = "./modules/schedule" }

  assert {
    condition     = aws_scheduler_schedule.this.schedule_expression == "cron(15 5 * * ? *)" && aws_scheduler_schedule.this.schedule_expression_timezone == "Europe/Paris"
    error_message = "A quarter past five in Paris, in summer as in winter."
  }
  assert {
    condition     = one(aws_scheduler_schedule.this.flexible_time_window).mode == "OFF"
    error_message = "At that time, not near it."
  }
}

run "in_any_zone_without_a_public_address" {
  module { source = "./modules/schedule" }

  assert {
    condition = (
      one(one(one(aws_scheduler_schedule.this.target).ecs_parameters).network_configuration).subnets == toset(var.task.subnet_ids)
      && one(one(one(aws_scheduler_schedule.this.target).ecs_parameters).network_configuration).security_groups == toset(["sg-1"])
      && !one(one(one(aws_scheduler_schedule.this.target).ecs_parameters).network_configuration).assign_public_ip
    )
    error_message = "It runs in a private subnet of any zone."
  }
}

run "what_cannot_start_is_kept" {
  module { source = "./modules/schedule" }

  assert {
    condition     = one(one(aws_scheduler_schedule.this.target).retry_policy) == { maximum_event_age_in_seconds = 3600, maximum_retry_attempts = 3 }
    error_message = "Three more tries within an hour."
  }
  assert {
    condition     = one(one(aws_scheduler_schedule.this.target).dead_letter_config).arn == aws_sqs_queue.dead_letters.arn
    error_message = "Then it goes to the queue that an alarm watches."
  }
  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds == 1209600 && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "It is kept for 14 days, encrypted."
  }
}

run "it_may_start_this_task_only" {
  module { source = "./modules/schedule" }

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement if statement.Sid == "RunTheTask"]) == {
      Sid       = "RunTheTask"
      Effect    = "Allow"
      Action    = "ecs:RunTask"
      Resource  = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-pipeline:*"
      Condition = { ArnEquals = { "ecs:cluster" = var.task.cluster_arn } }
    }
    error_message = "Revisions of one family, on one cluster."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : [statement.Resource, statement.Condition] if statement.Action == "iam:PassRole"] == [
      [
        ["arn:aws:iam::123456789012:role/task", "arn:aws:iam::123456789012:role/start"],
        { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } },
      ]
    ]
    error_message = "It hands the task's own roles to ECS, and no other."
  }
}

run "a_chain_is_started_with_its_input_and_nothing_else_is" {
  module { source = "./modules/schedule" }

  variables {
    task          = null
    state_machine = { arn = "arn:aws:states:eu-west-3:123456789012:stateMachine:chain" }
    input         = "{\"steps\":[]}"
  }

  assert {
    condition = (
      one(aws_scheduler_schedule.this.target).arn == "arn:aws:states:eu-west-3:123456789012:stateMachine:chain"
      && one(aws_scheduler_schedule.this.target).input == "{\"steps\":[]}"
      && length(one(aws_scheduler_schedule.this.target).ecs_parameters) == 0
    )
    error_message = "The clock starts the chain as it is started by hand."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : [statement.Action, statement.Resource]] == [
      ["states:StartExecution", "arn:aws:states:eu-west-3:123456789012:stateMachine:chain"],
      ["sqs:SendMessage", "arn:aws:sqs:eu-west-3:123456789012:dead-letters"],
    ]
    error_message = "It may start the chain, and keep what could not start."
  }
}

run "nothing_to_start" {
  command = plan
  module { source = "./modules/schedule" }

  variables { task = null }

  expect_failures = [var.state_machine]
}

run "two_things_to_start" {
  command = plan
  module { source = "./modules/schedule" }

  variables { state_machine = { arn = "arn:aws:states:eu-west-3:123456789012:stateMachine:chain" } }

  expect_failures = [var.state_machine]
}

run "no_time" {
  command = plan
  module { source = "./modules/schedule" }

  variables { schedule_expression = "every morning" }

  expect_failures = [var.schedule_expression]
}

run "no_time_zone" {
  command = plan
  module { source = "./modules/schedule" }

  variables { schedule_timezone = "Paris time" }

  expect_failures = [var.schedule_timezone]
}

run "two_subnets_alike" {
  command = plan
  module { source = "./modules/schedule" }

  variables {
    task = {
      cluster_arn       = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
      definition_arn    = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-pipeline:7"
      passed_role_arns  = ["arn:aws:iam::123456789012:role/task"]
      subnet_ids        = ["subnet-a", "subnet-a", "subnet-c"]
      security_group_id = "sg-1"
    }
  }

  expect_failures = [var.task]
}

run "no_task_definition" {
  command = plan
  module { source = "./modules/schedule" }

  variables {
    task = {
      cluster_arn       = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
      definition_arn    = "forecast-test-pipeline"
      passed_role_arns  = ["arn:aws:iam::123456789012:role/task"]
      subnet_ids        = ["subnet-a", "subnet-b", "subnet-c"]
      security_group_id = "sg-1"
    }
  }

  expect_failures = [var.task]
}
