# What runs, when, and with which settings.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "forecast-test"
  kms_key_arn        = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  image              = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  repository_arn     = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  cluster_arn        = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
  subnet_ids         = ["subnet-a", "subnet-b", "subnet-c"]
  security_group_id  = "sg-1"
  raw_bucket         = "forecast-test-raw"
  processed_bucket   = "forecast-test-processed"
  uri_secret_arn     = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app-AbCdEf"
  ca_secret_arn      = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca-AbCdEf"
  ca_file            = "/run/mongo/ca.pem"
  log_retention_days = 30
  max_data_age_hours = 36
}

run "a_run_and_then_a_measurement" {
  module { source = "./modules/pipeline" }

  assert {
    condition = { for name, task in local.tasks : name => [task.entry_point, task.arguments] } == {
      latency  = [["latency-report"], ["--station-id", "ILAMAD25", "--json"]]
      migrate  = [["forecast", "migrate"], []]
      pipeline = [["pipeline"], []]
      replay   = [["forecast", "replay"], []]
    }
    error_message = "The pipeline; the report on latency, whose JSON a metric is made of; two for people to start."
  }
  assert {
    condition     = local.schedules == { latency = "cron(0 6 * * ? *)", pipeline = "cron(15 5 * * ? *)" }
    error_message = "Every day, the measurement after the run."
  }
  assert {
    condition = local.tasks.pipeline.environment == {
      PROCESSED_URI      = "s3://forecast-test-processed/"
      RAW_URI            = "s3://forecast-test-raw/airbyte-sync/"
      MAX_DATA_AGE_HOURS = "36"
    }
    error_message = "The two zones are the two buckets, and a silent station is told of."
  }
  assert {
    condition     = output.task_families == { latency = "forecast-test-latency", migrate = "forecast-test-migrate", pipeline = "forecast-test-pipeline", replay = "forecast-test-replay" }
    error_message = "Operators start them by these names."
  }
}

run "the_log_is_kept_and_encrypted" {
  module { source = "./modules/pipeline" }

  assert {
    condition = (
      aws_cloudwatch_log_group.this.name == "/forecast-test/pipeline"
      && aws_cloudwatch_log_group.this.retention_in_days == 30
      && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    )
    error_message = "30 days, by the stack's key, under the name that the key's policy knows."
  }
}

run "another_time" {
  module { source = "./modules/pipeline" }

  variables { schedule_expression = "rate(6 hours)" }

  assert {
    condition     = local.schedules.pipeline == "rate(6 hours)"
    error_message = "The schedule is the operator's to choose."
  }
}
