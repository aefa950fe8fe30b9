# What the pipeline may do: read raw; read, write and remove processed.

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

run "exactly_what_it_does" {
  module { source = "./modules/pipeline" }

  assert {
    condition = [for statement in local.tasks.pipeline.statements : [statement.Action, statement.Resource]] == [
      [["s3:ListBucket"], "arn:aws:s3:::forecast-test-raw"],
      [["s3:GetObject"], "arn:aws:s3:::forecast-test-raw/airbyte-sync/*"],
      [["s3:ListBucket"], "arn:aws:s3:::forecast-test-processed"],
      [["s3:GetObject"], "arn:aws:s3:::forecast-test-processed/*"],
      [["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"], "arn:aws:s3:::forecast-test-processed/*"],
    ]
    error_message = "List both zones, read raw; read, write and remove processed."
  }
}

run "less_for_the_others" {
  module { source = "./modules/pipeline" }

  assert {
    condition = { for name, task in local.tasks : name => task.statements[*].Sid if name != "pipeline" } == {
      crud-check = []
      dashboard  = ["ListProcessed", "ReadProcessed", "WriteSite"]
      ingest     = ["ListRaw", "WriteRaw", "KeepIngestState", "WriteLogs"]
      latency    = ["ListProcessed", "ReadLogs", "WriteLogs"]
      load-test  = ["ListProcessed", "ReadLogs", "WriteLogs"]
      migrate    = ["ListProcessed", "ReadProcessed", "WriteLogs"]
      quality    = ["WriteLogs"]
      replay     = ["ListProcessed", "ReadProcessed", "WriteProcessed"]
      status     = ["ListProcessed", "ReadProcessed"]
    }
    error_message = "Each what it does: ingest alone writes raw objects, and reads none; the dashboard writes the site alone."
  }
}

run "another_prefix" {
  module { source = "./modules/pipeline" }

  variables { raw_prefix = "" }

  assert {
    condition     = one([for statement in local.tasks.pipeline.statements : statement.Resource if statement.Sid == "ReadRaw"]) == "arn:aws:s3:::forecast-test-raw/*"
    error_message = "Without a prefix the whole bucket is the raw zone."
  }
  assert {
    condition     = local.tasks.pipeline.environment.RAW_URI == "s3://forecast-test-raw/"
    error_message = "The program reads what its role may read."
  }
}

run "what_airbyte_needs" {
  module { source = "./modules/pipeline" }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.airbyte.policy).Statement : statement.Resource] == [
      "arn:aws:s3:::forecast-test-raw", "arn:aws:s3:::forecast-test-raw/airbyte-sync/*",
    ]
    error_message = "The raw zone, and nothing beside it."
  }
}

run "stations_of_ones_own_are_listed_and_read" {
  module { source = "./modules/pipeline" }

  variables { stations_prefix = "stations/" }

  assert {
    condition = { for name, task in local.tasks : name => task.statements[*].Sid } == {
      crud-check = []
      dashboard  = ["ListProcessed", "ReadProcessed", "WriteSite", "ListRaw", "ReadStations"]
      ingest     = ["ListRaw", "WriteRaw", "KeepIngestState", "WriteLogs", "ReadStations"]
      latency    = ["ListProcessed", "ReadLogs", "WriteLogs", "ListRaw", "ReadStations"]
      load-test  = ["ListProcessed", "ReadLogs", "WriteLogs"]
      migrate    = ["ListProcessed", "ReadProcessed", "WriteLogs", "ListRaw", "ReadStations"]
      pipeline   = ["ListRaw", "ReadRaw", "ListProcessed", "ReadProcessed", "WriteProcessed", "ReadStations"]
      quality    = ["WriteLogs", "ListRaw", "ReadStations"]
      replay     = ["ListProcessed", "ReadProcessed", "WriteProcessed", "ListRaw", "ReadStations"]
      status     = ["ListProcessed", "ReadProcessed", "ListRaw", "ReadStations"]
    }
    error_message = "Each right once; tasks whose commands read no registry get none."
  }
  assert {
    condition = alltrue(flatten([for task in local.tasks : [
      for right in task.statements : [right.Action, right.Resource] == [["s3:GetObject"], "arn:aws:s3:::forecast-test-raw/stations/*"] if right.Sid == "ReadStations"
    ]]))
    error_message = "They read what is below the prefix and write nothing there."
  }
  assert {
    condition     = output.run.statements == local.tasks.pipeline.statements && output.run.environment.STATIONS_URI == "s3://forecast-test-raw/stations/"
    error_message = "A run on workers reads the same stations."
  }
}
