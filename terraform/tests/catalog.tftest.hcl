# Athena finds the datasets where the pipeline writes them, by day and without a crawler.

mock_provider "aws" {}

variables {
  name   = "forecast-test"
  bucket = "forecast-test-processed-123456789012"
}

run "tables" {
  module { source = "./modules/catalog" }

  assert {
    condition     = output.database == "forecast_test" && toset(output.tables) == toset(["hourly", "observations"])
    error_message = "One database for the environment, with a table for each dataset."
  }
  assert {
    condition = { for name, table in aws_glue_catalog_table.this : name => table.storage_descriptor[0].location } == {
      hourly       = "s3://forecast-test-processed-123456789012/hourly/"
      observations = "s3://forecast-test-processed-123456789012/current/"
    }
    error_message = "A table lies where the pipeline writes its dataset."
  }
  assert {
    condition = alltrue([
      for table in aws_glue_catalog_table.this :
      table.parameters["storage.location.template"] == "${table.storage_descriptor[0].location}day=$${day}/" && table.parameters["projection.enabled"] == "true"
    ])
    error_message = "The folder of a day follows from the day."
  }
  assert {
    condition     = alltrue([for table in aws_glue_catalog_table.this : [for key in table.partition_keys : [key.name, key.type]] == [["day", "date"]]])
    error_message = "The day is a column of the folders."
  }
}

run "columns" {
  module { source = "./modules/catalog" }

  assert {
    condition = { for column in aws_glue_catalog_table.this["observations"].storage_descriptor[0].columns : column.name => column.type if contains(["station_id", "timestamp", "air_temperature", "air_temperature_flag", "qc_version"], column.name) } == {
      station_id           = "string"
      timestamp            = "timestamp"
      air_temperature      = "double"
      air_temperature_flag = "tinyint"
      qc_version           = "int"
    }
    error_message = "Values and flags have the types of the Parquet files."
  }
  assert {
    condition     = !contains([for column in aws_glue_catalog_table.this["hourly"].storage_descriptor[0].columns : column.name], "precipitation_amount_3h")
    error_message = "What three hours say of one is no column."
  }
}

run "a_bucket_is_named" {
  module { source = "./modules/catalog" }
  command = plan

  variables {
    bucket = "s3://forecast"
  }

  expect_failures = [var.bucket]
}
