# A Dask cluster on Fargate Spot: nothing runs until it is wanted, and nobody else can talk to it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                     = "forecast-test"
  kms_key_arn              = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  image                    = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  repository_arn           = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  vpc_id                   = "vpc-1"
  subnet_ids               = ["subnet-a", "subnet-b", "subnet-c"]
  client_security_group_id = "sg-client"
  cluster_name             = "forecast-test"
  namespace_id             = "ns-1"
  domain                   = "forecast-test.internal"
  uri_secret_arn           = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app-AbCdEf"
  ca_secret_arn            = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca-AbCdEf"
  ca_file                  = "/run/mongo/ca.pem"
  log_group_name           = "/forecast-test/pipeline"
  log_group_arn            = "arn:aws:logs:eu-west-3:123456789012:log-group:/forecast-test/pipeline"
  recovery_window_days     = 0
  run = {
    cpu         = 1024
    memory      = 2048
    environment = { RAW_URI = "s3://raw/" }
    statements  = [{ Sid = "ReadRaw", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::raw/*" }]
  }
}

run "nothing_runs_until_it_is_wanted_and_terraform_does_not_take_it_away" {
  module { source = "./modules/workers" }

  assert {
    condition     = { for name, service in aws_ecs_service.this : name => service.desired_count } == { scheduler = 0, worker = 0 }
    error_message = "Both services begin with no task."
  }
  assert {
    condition     = [for strategy in aws_ecs_service.this["worker"].capacity_provider_strategy : strategy.capacity_provider] == ["FARGATE_SPOT"]
    error_message = "A worker may be taken back by AWS."
  }
  assert {
    condition     = [for strategy in aws_ecs_service.this["scheduler"].capacity_provider_strategy : strategy.capacity_provider] == ["FARGATE"]
    error_message = "The scheduler may not: the run would fail with it."
  }
  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"]) && length(aws_ecs_cluster_capacity_providers.this.default_capacity_provider_strategy) == 0
    error_message = "Tasks that name no provider run as before."
  }
}

run "on_demand_where_it_is_wanted" {
  module { source = "./modules/workers" }
  variables { worker = { cpu = 2048, memory = 8192, spot = false } }

  assert {
    condition     = [for strategy in aws_ecs_service.this["worker"].capacity_provider_strategy : strategy.capacity_provider] == ["FARGATE"]
    error_message = "Without Spot no worker is taken back."
  }
}

run "only_they_talk_to_each_other" {
  module { source = "./modules/workers" }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.dask.from_port == 8786 && aws_vpc_security_group_ingress_rule.dask.to_port == 8787 && aws_vpc_security_group_ingress_rule.dask.cidr_ipv4 == null
    error_message = "The ports of scheduler and workers are open to their own group, and to no address."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.this : contains(service.network_configuration[0].security_groups, "sg-client") && !service.network_configuration[0].assign_public_ip])
    error_message = "They reach the database, and no one on the internet reaches them."
  }
}

run "each_side_shows_a_certificate_of_the_authority" {
  module { source = "./modules/workers" }

  assert {
    condition     = alltrue([for name in ["scheduler", "worker"] : slice(local.tasks[name].arguments, length(local.tasks[name].arguments) - 6, length(local.tasks[name].arguments)) == ["--tls-ca-file", "/run/mongo/ca.pem", "--tls-cert", "/run/mongo/workers.pem", "--tls-key", "/run/mongo/workers.pem"]])
    error_message = "Scheduler and workers serve and connect with TLS."
  }
  assert {
    condition     = local.tasks["pipeline-workers"].entry_point == ["pipeline", "--scheduler", "tls://scheduler.forecast-test.internal:8786"]
    error_message = "The run finds the scheduler by name, with TLS."
  }
  assert {
    condition = { for name, value in local.tasks["pipeline-workers"].environment : name => value if startswith(name, "SCHEDULER_") } == {
      SCHEDULER_TLS_CA = "/run/mongo/ca.pem", SCHEDULER_TLS_CERT = "/run/mongo/workers.pem", SCHEDULER_TLS_KEY = "/run/mongo/workers.pem"
    }
    error_message = "So does the run."
  }
  assert {
    condition     = aws_secretsmanager_secret.certificate.name == "forecast-test/mongodb/tls/workers"
    error_message = "forecast mongo pki --hosts workers.… fills it."
  }
}

run "a_worker_does_the_runs_work_with_its_rights_and_the_scheduler_has_none" {
  module { source = "./modules/workers" }

  assert {
    condition     = alltrue([for name in ["worker", "pipeline-workers"] : local.tasks[name].statements == var.run.statements && local.tasks[name].environment.RAW_URI == "s3://raw/"])
    error_message = "A worker reads and writes what the run does."
  }
  assert {
    condition     = local.tasks.scheduler.statements == [] && local.tasks.scheduler.secrets == {}
    error_message = "The scheduler hands work out and sees no data."
  }
}

run "a_worker_with_more_cores_than_threads_is_refused" {
  module { source = "./modules/workers" }
  command = plan
  variables { worker = { cpu = 4096 } }

  expect_failures = [var.worker]
}
