# How long objects stay.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name             = "forecast-test"
  backup_lock_days = 30
  force_destroy    = false
}

run "a_dump_is_locked_and_only_then_expires" {
  module { source = "./modules/storage" }

  assert {
    condition     = keys(aws_s3_bucket_object_lock_configuration.this) == ["backup"] && aws_s3_bucket.this["backup"].object_lock_enabled
    error_message = "Dumps are locked, and nothing else is."
  }
  assert {
    condition     = aws_s3_bucket_object_lock_configuration.this["backup"].rule[0].default_retention[0].days == 30 && aws_s3_bucket_object_lock_configuration.this["backup"].rule[0].default_retention[0].mode == "GOVERNANCE"
    error_message = "A dump is locked for as long as asked."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this["backup"].rule : rule.expiration[0].days if rule.id == "expire"] == [35]
    error_message = "A dump expires after its lock has ended."
  }
}

run "raw_and_processed_objects_never_expire" {
  module { source = "./modules/storage" }

  assert {
    condition = alltrue([
      for zone in ["raw", "processed"] :
      !contains([for rule in aws_s3_bucket_lifecycle_configuration.this[zone].rule : rule.id], "expire")
    ])
    error_message = "The current version of what Airbyte delivered, and of what was made of it, stays."
  }
  assert {
    condition     = { for zone, life in aws_s3_bucket_lifecycle_configuration.this : zone => [for rule in life.rule : rule.noncurrent_version_expiration[0].noncurrent_days if rule.id == "old-versions"] } == { raw = [90], processed = [30], backup = [1] }
    error_message = "Old versions go, those of raw objects last."
  }
  assert {
    condition     = alltrue([for life in aws_s3_bucket_lifecycle_configuration.this : contains([for rule in life.rule : rule.id], "unfinished-uploads")])
    error_message = "Unfinished uploads are cleared away everywhere."
  }
}

run "a_lock_of_no_day_is_none" {
  command = plan
  module { source = "./modules/storage" }
  variables { backup_lock_days = 0 }
  expect_failures = [var.backup_lock_days]
}

run "a_lock_of_years_is_a_slip" {
  command = plan
  module { source = "./modules/storage" }
  variables { backup_lock_days = 3650 }
  expect_failures = [var.backup_lock_days]
}

run "a_name_that_no_bucket_can_have" {
  command = plan
  module { source = "./modules/storage" }
  variables { name = "Forecast_Test" }
  expect_failures = [var.name]
}
