# Tasks that run once: what each knows and may do.

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

run "tools_and_their_commands" {
  module { source = "./modules/mongodb" }

  assert {
    condition = output.tool_task_families == {
      dump    = "forecast-test-mongo-dump"
      init    = "forecast-test-mongo-init"
      recover = "forecast-test-mongo-recover"
      restore = "forecast-test-mongo-restore"
      roll    = "forecast-test-mongo-roll"
      status  = "forecast-test-mongo-status"
    }
    error_message = "Each tool has a task definition of its own."
  }
}

run "only_init_knows_all_passwords" {
  module { source = "./modules/mongodb" }

  assert {
    condition = local.tools.init.secrets == {
      MONGO_APP_PASSWORD     = "${var.user_secret_arns["app"]}:password::"
      MONGO_BACKUP_PASSWORD  = "${var.user_secret_arns["backup"]}:password::"
      MONGO_MONITOR_PASSWORD = "${var.user_secret_arns["monitor"]}:password::"
      MONGO_REPLICA_KEY      = var.replica_key_secret_arn
      MONGO_ROLL_PASSWORD    = "${var.user_secret_arns["roll"]}:password::"
      MONGO_ROOT_PASSWORD    = "${var.user_secret_arns["root"]}:password::"
    }
    error_message = "mongo-init makes the users."
  }
  assert {
    condition = { for tool, settings in local.tools : tool => settings.secrets if tool != "init" } == {
      dump    = { MONGODB_URI = "${var.user_secret_arns["backup"]}:uri::" }
      recover = { MONGO_REPLICA_KEY = var.replica_key_secret_arn }
      restore = { MONGODB_URI = "${var.user_secret_arns["app"]}:uri::" }
      roll    = { MONGODB_URI = "${var.user_secret_arns["roll"]}:uri::" }
      status  = { MONGODB_URI = "${var.user_secret_arns["monitor"]}:uri::" }
    }
    error_message = "The others get what they need, and no task but init has the password of root."
  }
  assert {
    condition     = alltrue([for settings in local.tools : alltrue([for name, _ in settings.environment : !can(regex("(?i)password|key|uri$", replace(name, "BACKUP_URI", "")))])])
    error_message = "No secret is a plain variable."
  }
}

run "init_notes_that_the_set_exists" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = flatten([for statement in local.tools.init.statements : [for action in statement.Action : action]]) == ["ssm:GetParameter", "ssm:PutParameter"]
    error_message = "mongo-init reads and writes one parameter."
  }
  assert {
    condition     = local.tools.init.environment.MONGO_BOOTSTRAPPED_PARAMETER == "/forecast-test/mongodb/bootstrapped"
    error_message = "It is told which."
  }
}

run "the_dump_can_only_add" {
  module { source = "./modules/mongodb" }

  assert {
    condition = local.tools.dump.statements == [{
      Sid      = "WriteDumps"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = "arn:aws:s3:::forecast-test-backup/dumps/*"
    }]
    error_message = "Whoever takes over the nightly task can read and delete no dump."
  }
}

run "restore_only_reads" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = [for statement in local.tools.restore.statements : statement.Action] == ["s3:ListBucket", "s3:GetObject"]
    error_message = "A restore changes no dump."
  }
}

run "the_roll_touches_the_three_services_only" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = [for statement in local.tools.roll.statements : statement.Action] == ["s3:ListBucket", "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:UpdateService", "iam:PassRole"]
    error_message = "It looks for a dump, at services and definitions, and updates services; it makes, stops and deletes nothing."
  }
  assert {
    condition     = one([for statement in local.tools.roll.statements : statement.Resource if statement.Action == "ecs:UpdateService"]) == [for service in aws_ecs_service.member : service.id]
    error_message = "The members' services, and no other."
  }
  assert {
    condition     = one([for statement in local.tools.roll.statements : statement.Condition if statement.Action == "iam:PassRole"]) == { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"] } }
    error_message = "It hands the members' roles to ECS only."
  }
  assert {
    condition     = local.tools.roll.environment.MAX_DUMP_AGE_HOURS == "26"
    error_message = "Where the dumps are further apart than a day, the announcement of a retirement still starts a roll that begins."
  }
}

run "the_status_can_change_nothing" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = local.tools.status.statements == [] && local.tools.status.environment == { METRICS_NAMESPACE = "forecast-test" }
    error_message = "It reads the database as monitor, and may do nothing in AWS: its metrics are lines of its log."
  }
  assert {
    condition     = { for tool, schedule in local.schedules : tool => schedule.expression } == { roll = "cron(0 10 ? * 3#1 *)", status = "rate(1 hour)" }
    error_message = "A roll a month, the status every hour; the dump is a step of the chain."
  }
}
