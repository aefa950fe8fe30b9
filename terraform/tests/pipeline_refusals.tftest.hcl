# What cannot work is refused before anything is made.

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

run "an_image_by_tag" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { image = "registry/pipeline:latest" }

  expect_failures = [var.image]
}

run "a_prefix_without_its_slash" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { raw_prefix = "airbyte-sync" }

  expect_failures = [var.raw_prefix]
}

run "memory_that_fargate_does_not_have" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { memory = 3000 }

  expect_failures = [var.memory]
}

run "a_password_instead_of_a_secret" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { uri_secret_arn = "mongodb://app:password@host/" }

  expect_failures = [var.uri_secret_arn]
}

run "a_retention_that_cloudwatch_does_not_have" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { log_retention_days = 42 }

  expect_failures = [var.log_retention_days]
}

run "no_station" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { latency_station_id = "" }

  expect_failures = [var.latency_station_id]
}

run "one_bucket_for_both_zones" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { processed_bucket = "forecast-test-raw" }

  expect_failures = [var.processed_bucket]
}

run "a_key_by_no_settings_name" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { ingest_keys = ["password"] }

  expect_failures = [var.ingest_keys]
}

run "stations_without_a_slash_at_the_end" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "stations" }

  expect_failures = [var.stations_prefix]
}

run "stations_at_a_uri" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "s3://forecast-test-raw/stations/" }

  expect_failures = [var.stations_prefix]
}

run "stations_with_a_comma_which_would_be_two_places" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "stations,more/" }

  expect_failures = [var.stations_prefix]
}

run "stations_with_a_wildcard_which_would_be_a_right_to_more" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "*/" }

  expect_failures = [var.stations_prefix]
}

run "stations_where_observations_are_written" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "airbyte-sync/" }

  expect_failures = [var.stations_prefix]
}

run "stations_within_the_raw_zone" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "airbyte-sync/stations/" }

  expect_failures = [var.stations_prefix]
}

run "a_raw_zone_within_the_stations" {
  command = plan
  module { source = "./modules/pipeline" }

  variables {
    stations_prefix = "data/"
    raw_prefix      = "data/observations/"
  }

  expect_failures = [var.stations_prefix]
}

run "stations_in_a_bucket_that_is_the_raw_zone_as_a_whole" {
  command = plan
  module { source = "./modules/pipeline" }

  variables {
    stations_prefix = "stations/"
    raw_prefix      = ""
  }

  expect_failures = [var.stations_prefix]
}

run "stations_where_ingest_keeps_its_state" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "ingest-state/" }

  expect_failures = [var.stations_prefix]
}

run "stations_within_the_state_of_ingest" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "ingest-state/stations/" }

  expect_failures = [var.stations_prefix]
}

run "stations_whose_prefix_begins_with_the_name_of_the_raw_zones" {
  command = plan
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "airbyte-sync-stations/" }

  assert {
    condition     = local.tasks.pipeline.environment.STATIONS_URI == "s3://forecast-test-raw/airbyte-sync-stations/"
    error_message = "It is another folder."
  }
}
