# A program of the pipeline's image that runs once on Fargate.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "forecast-test"
  task           = "pipeline"
  image          = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  repository_arn = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  entry_point    = ["forecast", "migrate"]
  arguments      = ["--wait"]
  cpu            = 1024
  memory         = 2048
  environment    = { RAW_URI = "s3://raw/" }
  secrets        = { MONGODB_URI = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app-AbCdEf:uri::" }
  ca_secret_arn  = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca-AbCdEf"
  ca_file        = "/run/mongo/ca.pem"
  kms_key_arn    = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  statements     = [{ Sid = "ReadRaw", Action = "s3:GetObject", Resource = "arn:aws:s3:::raw/*" }]
  log_group_name = "/forecast-test/pipeline"
  log_group_arn  = "arn:aws:logs:eu-west-3:123456789012:log-group:/forecast-test/pipeline"
}

run "the_program_is_what_runs" {
  module { source = "./modules/task" }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].entryPoint == ["forecast", "migrate"] && jsondecode(aws_ecs_task_definition.this.container_definitions)[1].command == ["--wait"]
    error_message = "The program with its subcommand, and its options: RunTask can give others."
  }
  assert {
    condition     = aws_ecs_task_definition.this.family == "forecast-test-pipeline" && output.family == "forecast-test-pipeline"
    error_message = "The family is named after stack and task."
  }
  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy
    error_message = "The revision before a delivery can still be started."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].stopTimeout == 120
    error_message = "After SIGTERM it has two minutes to finish what is in flight."
  }
}

run "a_certificate_lies_beside_the_authoritys_where_there_is_one" {
  module { source = "./modules/task" }
  variables {
    certificate_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:workers-AbCdEf"
    certificate_file       = "/run/mongo/workers.pem"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["chmod 1777 /tmp && printf '%s\\n' \"$MONGO_TLS_CA\" > /run/mongo/ca.pem && chmod 0444 /run/mongo/ca.pem && printf '%s\\n' \"$TLS_CERTIFICATE\" > /run/mongo/workers.pem && chmod 0444 /run/mongo/workers.pem"]
    error_message = "It is written before the program starts."
  }
  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "ReadItsSecrets"]), var.certificate_secret_arn)
    error_message = "ECS may read it."
  }
}

run "without_a_certificate_the_authoritys_is_all_that_is_written" {
  module { source = "./modules/task" }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command == ["chmod 1777 /tmp && printf '%s\\n' \"$MONGO_TLS_CA\" > /run/mongo/ca.pem && chmod 0444 /run/mongo/ca.pem"]
    error_message = "A stack without workers has the tasks that it had."
  }
}

run "neither_root_nor_writable" {
  module { source = "./modules/task" }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem && container.linuxParameters.capabilities.drop == ["ALL"]])
    error_message = "Root file systems are read-only, and no container has a capability."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].user == "10001:10001"
    error_message = "The program is not root."
  }
  assert {
    condition = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].mountPoints == [
      { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
      { sourceVolume = "ca", containerPath = "/run/mongo", readOnly = true },
    ]
    error_message = "It writes to /tmp and nowhere else."
  }
}

run "the_authority_is_there_before_it_starts" {
  module { source = "./modules/task" }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].dependsOn == [{ containerName = "prepare", condition = "SUCCESS" }]
    error_message = "Without the certificate no connection can be made, so it waits for it."
  }
  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets == [{ name = "MONGO_TLS_CA", valueFrom = var.ca_secret_arn }]
      && strcontains(jsondecode(aws_ecs_task_definition.this.container_definitions)[0].command[0], "\"$MONGO_TLS_CA\" > /run/mongo/ca.pem")
      && !jsondecode(aws_ecs_task_definition.this.container_definitions)[0].essential
    )
    error_message = "The first container writes the certificate where the connection strings look for it, and ends."
  }
}

run "secrets_are_read_at_the_start" {
  module { source = "./modules/task" }

  assert {
    condition = { for variable in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].environment : variable.name => variable.value } == {
      AWS_DEFAULT_REGION = "eu-west-3"
      LOG_FORMAT         = "json"
      RAW_URI            = "s3://raw/"
    }
    error_message = "Plain variables hold no secret; the log is JSON, because metrics are made of it; boto3 is told its region."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[1].secrets == [{ name = "MONGODB_URI", valueFrom = var.secrets.MONGODB_URI }]
    error_message = "The connection string comes from its secret."
  }
  assert {
    condition = one([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Resource if statement.Sid == "ReadItsSecrets"]) == [
      "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app-AbCdEf",
      "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca-AbCdEf",
    ]
    error_message = "ECS may read these two secrets, by ARN without the key within."
  }
}

run "the_program_may_do_what_it_is_given" {
  module { source = "./modules/task" }

  assert {
    condition     = jsondecode(aws_iam_role_policy.task[0].policy).Statement == [{ Action = "s3:GetObject", Effect = "Allow", Resource = "arn:aws:s3:::raw/*", Sid = "ReadRaw" }]
    error_message = "These statements and no other."
  }
  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition == { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    error_message = "Only tasks of this account take the role."
  }
}

run "nothing_given_nothing_allowed" {
  module { source = "./modules/task" }

  variables { statements = [] }

  assert {
    condition     = length(aws_iam_role_policy.task) == 0
    error_message = "A task that needs nothing of AWS has a role without a policy."
  }
}

run "an_image_by_tag" {
  command = plan
  module { source = "./modules/task" }

  variables { image = "registry/pipeline:latest" }

  expect_failures = [var.image]
}

run "no_program" {
  command = plan
  module { source = "./modules/task" }

  variables { entry_point = [] }

  expect_failures = [var.entry_point]
}

run "a_password_as_a_plain_variable" {
  command = plan
  module { source = "./modules/task" }

  variables { environment = { MONGO_ROOT_PASSWORD = "not here" } }

  expect_failures = [var.environment]
}

run "a_secret_by_its_value" {
  command = plan
  module { source = "./modules/task" }

  variables { secrets = { MONGODB_URI = "mongodb://app:password@host/" } }

  expect_failures = [var.secrets]
}

run "a_statement_without_a_resource" {
  command = plan
  module { source = "./modules/task" }

  variables { statements = [{ Sid = "All", Action = "s3:*" }] }

  expect_failures = [var.statements]
}

run "memory_that_fargate_does_not_have" {
  command = plan
  module { source = "./modules/task" }

  variables { memory = 512 }

  expect_failures = [var.memory]
}

run "on_graviton" {
  module { source = "./modules/task" }

  variables { cpu_architecture = "ARM64" }

  assert {
    condition     = one(aws_ecs_task_definition.this.runtime_platform).cpu_architecture == "ARM64"
    error_message = "The architecture is the operator's to choose."
  }
}

run "an_architecture_that_fargate_does_not_have" {
  command = plan
  module { source = "./modules/task" }

  variables { cpu_architecture = "arm64" }

  expect_failures = [var.cpu_architecture]
}
