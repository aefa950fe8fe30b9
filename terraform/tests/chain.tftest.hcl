# The day's work: in which order, with which rights, and by which clock.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-3:123456789012:dead-letters" }
  }
}

variables {
  name  = "forecast-test-chain"
  stack = "forecast-test"
  steps = [
    {
      name                = "pipeline"
      task_definition_arn = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-pipeline:7"
      passed_role_arns    = ["arn:aws:iam::123456789012:role/pipeline", "arn:aws:iam::123456789012:role/pipeline-start"]
      arguments           = ["--wait"]
      hours               = 6
      stops               = true
    },
    {
      name                = "dump"
      task_definition_arn = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-mongo-dump:3"
      passed_role_arns    = ["arn:aws:iam::123456789012:role/dump"]
      hours               = 0.5
      stops               = false
    },
  ]
  cluster_arn         = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
  subnet_ids          = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id   = "sg-1"
  schedule_expression = "cron(15 5 * * ? *)"
  schedule_timezone   = "Europe/Paris"
  kms_key_arn         = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  log_retention_days  = 30
}

run "its_steps_are_its_input" {
  module { source = "./modules/chain" }

  assert {
    condition = jsondecode(output.input) == {
      steps = [
        {
          step            = "pipeline"
          task_definition = "forecast-test-pipeline"
          overrides       = { ContainerOverrides = [{ Name = "pipeline", Command = ["--wait"] }] }
          seconds         = 21600
          stops           = true
        },
        { step = "dump", task_definition = "forecast-test-mongo-dump", overrides = {}, seconds = 1800, stops = false },
      ]
    }
    error_message = "In their order, each by its family (its newest revision), with its arguments and its time limit."
  }
  assert {
    condition     = module.schedule.target == { arn = aws_sfn_state_machine.this.arn, input = output.input }
    error_message = "By hand it is started as by the clock."
  }
}

run "its_tasks_run_in_private" {
  module { source = "./modules/chain" }

  assert {
    condition = jsondecode(aws_sfn_state_machine.this.definition).States.Steps.ItemProcessor.States.Run.Parameters.NetworkConfiguration.AwsvpcConfiguration == {
      Subnets        = ["subnet-a", "subnet-b", "subnet-c"]
      SecurityGroups = ["sg-1"]
      AssignPublicIp = "DISABLED"
    }
    error_message = "In the private subnets, without a public address."
  }
}

run "it_may_run_these_tasks_only" {
  module { source = "./modules/chain" }

  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : [statement.Resource, statement.Condition] if statement.Sid == "RunTheSteps"]) == [
      [
        "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-pipeline",
        "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-mongo-dump",
      ],
      { ArnEquals = { "ecs:cluster" = var.cluster_arn } },
    ]
    error_message = "Its steps, on one cluster."
  }
  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Resource if statement.Action == "iam:PassRole"]) == ["arn:aws:iam::123456789012:role/pipeline", "arn:aws:iam::123456789012:role/pipeline-start", "arn:aws:iam::123456789012:role/dump"]
    error_message = "It hands the tasks' own roles to ECS."
  }
}

run "a_step_twice" {
  command = plan
  module { source = "./modules/chain" }

  variables {
    steps = [for name in ["dump", "dump"] : {
      name                = name
      task_definition_arn = "arn:aws:ecs:eu-west-3:123456789012:task-definition/forecast-test-mongo-dump:3"
      passed_role_arns    = []
      hours               = 1
      stops               = true
    }]
  }

  expect_failures = [var.steps]
}

run "no_time" {
  command = plan
  module { source = "./modules/chain" }

  variables { schedule_expression = "every morning" }

  expect_failures = [var.schedule_expression]
}
