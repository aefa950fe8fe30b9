# What runs, when, and with which settings.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "forecast-test"
  kms_key_arn        = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  image              = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  repository_arn     = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  raw_bucket         = "forecast-test-raw"
  processed_bucket   = "forecast-test-processed"
  uri_secret_arn     = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app-AbCdEf"
  ca_secret_arn      = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca-AbCdEf"
  ca_file            = "/run/mongo/ca.pem"
  log_retention_days = 30
  max_data_age_hours = 36

  recovery_window_days = 0
}

run "a_run_and_then_a_measurement" {
  module { source = "./modules/pipeline" }

  assert {
    condition = { for name, task in local.tasks : name => [task.entry_point, task.arguments] } == {
      crud-check = [["forecast", "crud-check"], []]
      dashboard  = [["forecast", "dashboard"], []]
      ingest     = [["forecast", "ingest"], []]
      latency    = [["latency-report"], ["--station-id", "ILAMAD25", "--json"]]
      load-test  = [["forecast", "load-test"], []]
      migrate    = [["forecast", "migrate"], []]
      pipeline   = [["pipeline"], []]
      quality    = [["forecast", "quality"], []]
      replay     = [["forecast", "replay"], []]
      status     = [["forecast", "status"], []]
    }
    error_message = "The steps of the chain, and what people start; a metric is made of the JSON of the report on latency."
  }
  assert {
    condition = local.tasks.pipeline.environment == {
      PROCESSED_URI      = "s3://forecast-test-processed/"
      RAW_URI            = "s3://forecast-test-raw/airbyte-sync/"
      SITE_URI           = "s3://forecast-test-processed/site/"
      MAX_DATA_AGE_HOURS = "36"
    }
    error_message = "The two zones are the two buckets, and a silent station is told of."
  }
  assert {
    condition     = output.task_families == { for name, _ in local.tasks : name => "forecast-test-${name}" }
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

run "the_networks_keys" {
  module { source = "./modules/pipeline" }

  variables { ingest_keys = ["WUNDERGROUND_API_KEY"] }

  assert {
    condition     = local.ingest_secrets == { WUNDERGROUND_API_KEY = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:mock-AbCdEf:WUNDERGROUND_API_KEY::" }
    error_message = "ingest gets the keys that are told, and no password of the database."
  }
}

run "every_task_has_its_metrics_under_the_stacks_name" {
  module { source = "./modules/pipeline" }

  assert {
    condition     = keys(output.steps) == ["dashboard", "ingest", "latency", "pipeline"]
    error_message = "The steps of the chain that are of this module."
  }
}

run "without_stations_of_ones_own_no_task_has_the_setting" {
  module { source = "./modules/pipeline" }

  assert {
    condition     = alltrue([for task in local.tasks : !contains(keys(task.environment), "STATIONS_URI")])
    error_message = "The built-in stations need no setting."
  }
}

run "stations_of_ones_own_are_named_to_every_task_that_reads_the_registry" {
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "registry/stations/" }

  assert {
    condition = { for name, task in local.tasks : name => lookup(task.environment, "STATIONS_URI", null) if contains(keys(task.environment), "STATIONS_URI") } == {
      for name in ["dashboard", "ingest", "latency", "migrate", "pipeline", "quality", "replay", "status"] : name => "s3://forecast-test-raw/registry/stations/"
    }
    error_message = "All of them know the same stations."
  }
}
