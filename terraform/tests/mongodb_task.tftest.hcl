# What a member's task is, and what it knows.

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

run "a_crash_keeps_the_disk" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : jsondecode(definition.container_definitions)[0].restartPolicy == { enabled = true, restartAttemptPeriod = 60 }])
    error_message = "mongod is started again within its task."
  }
  assert {
    condition = alltrue([for definition in aws_ecs_task_definition.member : jsondecode(definition.container_definitions)[0].healthCheck == {
      command     = ["CMD", "/usr/local/lib/forecast-mongo/liveness"]
      interval    = 60
      timeout     = 30
      retries     = 10
      startPeriod = 300
    }])
    error_message = "ECS replaces a task, and deletes its disk, only after ten minutes without an answer."
  }
  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : jsondecode(definition.container_definitions)[0].stopTimeout == 120])
    error_message = "mongod has two minutes to step down and end."
  }
  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : definition.skip_destroy])
    error_message = "A revision that a service still runs stays."
  }
}

run "little_to_break_into" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : jsondecode(definition.container_definitions)[0].readonlyRootFilesystem])
    error_message = "The root file system is read-only."
  }
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.member :
      length(setintersection(jsondecode(definition.container_definitions)[0].linuxParameters.capabilities.drop, ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID"])) == 0
      && length(jsondecode(definition.container_definitions)[0].linuxParameters.capabilities.drop) == 9
    ])
    error_message = "Of the 14 capabilities that a container gets the five stay that the entrypoint needs."
  }
  assert {
    condition = alltrue([
      for member, role in aws_iam_role_policy.member :
      [for statement in jsondecode(role.policy).Statement : [statement.Action, statement.Resource]] == [
        ["secretsmanager:GetSecretValue", var.tls_secret_arns[member]],
        ["kms:Decrypt", var.kms_key_arn],
      ]
    ])
    error_message = "A member may read its own certificate in AWS, and nothing else."
  }
}

run "a_certificate_is_renewed_beside_mongod" {
  module { source = "./modules/mongodb" }

  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.member :
      jsondecode(definition.container_definitions)[1].command == ["/run/mongo/server.pem", "--every-seconds", "3600"]
      && jsondecode(definition.container_definitions)[1].entryPoint == ["forecast", "mongo", "renew"]
      && jsondecode(definition.container_definitions)[1].image == var.tools_image
      && !jsondecode(definition.container_definitions)[1].essential
      && jsondecode(definition.container_definitions)[1].user == "999:999"
    ])
    error_message = "It looks once an hour, as mongod's user; its end ends no member."
  }
  assert {
    condition = alltrue([
      for definition in aws_ecs_task_definition.member : alltrue([
        for container in jsondecode(definition.container_definitions) : contains([for mount in container.mountPoints : [mount.sourceVolume, mount.containerPath]], ["run", "/run/mongo"])
      ])
    ])
    error_message = "Both see the same file."
  }
  assert {
    condition     = alltrue([for member, definition in aws_ecs_task_definition.member : contains(jsondecode(definition.container_definitions)[1].environment, { name = "MONGO_TLS_SECRET", value = var.tls_secret_arns[member] })])
    error_message = "Each looks for its own."
  }
}

run "no_secret_in_the_definition" {
  module { source = "./modules/mongodb" }

  assert {
    condition = alltrue([
      for member, definition in aws_ecs_task_definition.member :
      { for variable in jsondecode(definition.container_definitions)[0].environment : variable.name => variable.value } == {
        MONGO_CACHE_GB    = "1.5"
        MONGO_MEMBER      = "${member}.forecast-test.internal:27017"
        MONGO_MEMBERS     = "mongo-1.forecast-test.internal:27017,mongo-2.forecast-test.internal:27017,mongo-3.forecast-test.internal:27017"
        MONGO_REPLICA_SET = "forecast"
      }
    ])
    error_message = "The environment holds names and sizes, and is all that the image asks for."
  }
  assert {
    condition = alltrue([
      for member, definition in aws_ecs_task_definition.member :
      { for secret in jsondecode(definition.container_definitions)[0].secrets : secret.name => secret.valueFrom } == {
        MONGO_BOOTSTRAPPED    = aws_ssm_parameter.bootstrapped.arn
        MONGO_REPLICA_KEY     = var.replica_key_secret_arn
        MONGO_TLS_CA          = var.tls_secret_arns["ca"]
        MONGO_TLS_CERTIFICATE = var.tls_secret_arns[member]
      }
    ])
    error_message = "Each member gets its own certificate, and reads at its start whether the set exists."
  }
}

run "first_start_is_unfenced_once" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = nonsensitive(aws_ssm_parameter.bootstrapped.value) == "false" && aws_ssm_parameter.bootstrapped.type == "String"
    error_message = "Until forecast mongo init has initiated the set, members start with empty disks."
  }
}

run "cache_of_a_small_member" {
  module { source = "./modules/mongodb" }

  variables {
    member_cpu    = 512
    member_memory = 1024
  }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : one([for variable in jsondecode(definition.container_definitions)[0].environment : variable.value if variable.name == "MONGO_CACHE_GB"]) == "0.25"])
    error_message = "MongoDB's least is a quarter of a GiB."
  }
}

run "cache_of_a_large_member" {
  module { source = "./modules/mongodb" }

  variables {
    member_cpu    = 4096
    member_memory = 16384
  }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : one([for variable in jsondecode(definition.container_definitions)[0].environment : variable.value if variable.name == "MONGO_CACHE_GB"]) == "7.5"])
    error_message = "Half of what exceeds 1 GiB."
  }
}

run "on_graviton" {
  module { source = "./modules/mongodb" }

  variables { cpu_architecture = "ARM64" }

  assert {
    condition = (
      alltrue([for definition in aws_ecs_task_definition.member : one(definition.runtime_platform).cpu_architecture == "ARM64"])
      && alltrue([for tool in module.tool : tool.family != ""])
    )
    error_message = "Members and tools are of one architecture: renew runs in a member's task."
  }
}
