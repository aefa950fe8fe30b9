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
