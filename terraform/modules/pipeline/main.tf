# What reads and writes the data: the steps of the chain (ingest, the run, the latency, the dashboard), and tasks that are
# started by hand.

data "aws_partition" "current" {}

locals {
  raw_arn       = "arn:${data.aws_partition.current.partition}:s3:::${var.raw_bucket}"
  processed_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.processed_bucket}"
  processed_uri = "s3://${var.processed_bucket}/"
  site_uri      = "${local.processed_uri}${var.site_prefix}"

  tasks = {
    pipeline = {
      entry_point = ["pipeline"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = merge({ RAW_URI = local.raw_uri, PROCESSED_URI = local.processed_uri, SITE_URI = local.site_uri, MAX_DATA_AGE_HOURS = tostring(var.max_data_age_hours) }, local.stations.environment)
      statements  = concat([local.may.list_raw, local.may.read_raw, local.may.list_processed, local.may.read_processed, local.may.write_processed], local.stations.read)
    }
    migrate = {
      entry_point = ["forecast", "migrate"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = merge({ PROCESSED_URI = local.processed_uri }, local.stations.environment)
      statements  = concat([local.may.list_processed, local.may.read_processed, local.may.write_logs], local.stations.list_and_read)
    }
    replay = {
      entry_point = ["forecast", "replay"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = merge({ PROCESSED_URI = local.processed_uri }, local.stations.environment)
      statements  = concat([local.may.list_processed, local.may.read_processed, local.may.write_processed], local.stations.list_and_read)
    }
    latency = {
      # Its result is one JSON object on stdout; the metric of the service level is made of it.
      entry_point = ["latency-report"]
      arguments   = ["--station-id", var.latency_station_id, "--json"]
      cpu         = 512
      memory      = 1024
      environment = merge({ PROCESSED_URI = local.processed_uri }, local.stations.environment)
      # The error budgets are made of the reports of the last weeks.
      statements = concat([local.may.list_processed, local.may.read_logs, local.may.write_logs], local.stations.list_and_read)
    }
    ingest = {
      # From the networks' APIs into the raw zone, in place of Airbyte.
      entry_point = ["forecast", "ingest"]
      arguments   = []
      cpu         = 512
      memory      = 1024
      environment = merge({ RAW_URI = local.raw_uri, INGEST_STATE_URI = "s3://${var.raw_bucket}/${local.ingest_state_prefix}", PROCESSED_URI = local.processed_uri }, local.stations.environment)
      statements  = concat([local.may.list_raw, local.may.write_raw, local.may.keep_ingest_state, local.may.write_logs], local.stations.read)
    }
    dashboard = {
      entry_point = ["forecast", "dashboard"]
      arguments   = []
      cpu         = 512
      memory      = 2048
      environment = merge({ PROCESSED_URI = local.processed_uri, SITE_URI = local.site_uri, MAX_DATA_AGE_HOURS = tostring(var.max_data_age_hours) }, local.stations.environment)
      statements  = concat([local.may.list_processed, local.may.read_processed, local.may.write_site], local.stations.list_and_read)
    }
    crud-check = {
      entry_point = ["forecast", "crud-check"]
      arguments   = []
      cpu         = 512
      memory      = 1024
      environment = {}
      statements  = []
    }
    quality = {
      # With --since and --until.
      entry_point = ["forecast", "quality"]
      arguments   = []
      cpu         = 512
      memory      = 2048
      environment = merge({ PROCESSED_URI = local.processed_uri }, local.stations.environment)
      statements  = concat([local.may.write_logs], local.stations.list_and_read)
    }
    load-test = {
      # Its clients take what they get: with fewer cores it would measure itself.
      entry_point = ["forecast", "load-test"]
      arguments   = []
      cpu         = 2048
      memory      = 4096
      environment = { PROCESSED_URI = local.processed_uri }
      statements  = [local.may.list_processed, local.may.read_logs, local.may.write_logs]
    }
    # Of runs and stations; that of the replica set is mongo-status.
    status = {
      entry_point = ["forecast", "status"]
      arguments   = []
      cpu         = 512
      memory      = 1024
      environment = merge({ PROCESSED_URI = local.processed_uri, MAX_DATA_AGE_HOURS = tostring(var.max_data_age_hours) }, local.stations.environment)
      statements  = concat([local.may.list_processed, local.may.read_processed], local.stations.list_and_read)
    }
  }

  raw_uri             = "s3://${var.raw_bucket}/${var.raw_prefix}"
  ingest_state_prefix = "ingest-state/"

  # What a task whose command reads the station registry needs for the operator's files; nothing where there are none. A policy
  # takes a Sid once: tasks that list the bucket anyway only get the right to read.
  own_stations = compact([var.stations_prefix])
  stations = {
    environment   = { for prefix in local.own_stations : "STATIONS_URI" => "s3://${var.raw_bucket}/${prefix}" }
    read          = [for _ in local.own_stations : local.may.read_stations]
    list_and_read = flatten([for _ in local.own_stations : [local.may.list_raw, local.may.read_stations]])
  }

  # What forecast.storage calls, and no deletion among it. The right to list is for the whole bucket: without it S3 answers
  # the question for an object that is not there, or not there any more, with 403 instead of 404.
  may = {
    list_raw = {
      Sid      = "ListRaw"
      Action   = ["s3:ListBucket"]
      Resource = local.raw_arn
    }
    read_raw = {
      Sid      = "ReadRaw"
      Action   = ["s3:GetObject"]
      Resource = "${local.raw_arn}/${var.raw_prefix}*"
    }
    write_raw = {
      Sid      = "WriteRaw"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = "${local.raw_arn}/${var.raw_prefix}*"
    }
    read_stations = {
      Sid      = "ReadStations"
      Action   = ["s3:GetObject"]
      Resource = "${local.raw_arn}/${var.stations_prefix}*"
    }
    # What ingest has read, its counts of calls and its leases.
    keep_ingest_state = {
      Sid      = "KeepIngestState"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      Resource = "${local.raw_arn}/${local.ingest_state_prefix}*"
    }
    list_processed = {
      Sid      = "ListProcessed"
      Action   = ["s3:ListBucket"]
      Resource = local.processed_arn
    }
    read_processed = {
      Sid      = "ReadProcessed"
      Action   = ["s3:GetObject"]
      Resource = "${local.processed_arn}/*"
    }
    # Observations, quarantine, and the copies of the reports below logs/. A large object is written in parts. The files
    # of an object's earlier versions are removed.
    write_processed = {
      Sid      = "WriteProcessed"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
      Resource = "${local.processed_arn}/*"
    }
    write_site = {
      Sid      = "WriteSite"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
      Resource = "${local.processed_arn}/${var.site_prefix}*"
    }
    read_logs = {
      Sid      = "ReadLogs"
      Action   = ["s3:GetObject"]
      Resource = "${local.processed_arn}/logs/*"
    }
    # The copies of its reports.
    write_logs = {
      Sid      = "WriteLogs"
      Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
      Resource = "${local.processed_arn}/logs/*"
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/${var.name}/pipeline"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

module "task" {
  source   = "../task"
  for_each = local.tasks

  permissions_boundary_arn = var.permissions_boundary_arn

  name             = var.name
  task             = each.key
  image            = var.image
  cpu_architecture = var.cpu_architecture
  repository_arn   = var.repository_arn
  entry_point      = each.value.entry_point
  arguments        = each.value.arguments
  cpu              = each.value.cpu
  memory           = each.value.memory
  environment      = merge({ METRICS_NAMESPACE = var.name }, each.value.environment)
  secrets          = each.key == "ingest" ? local.ingest_secrets : { MONGODB_URI = "${var.uri_secret_arn}:uri::" }
  statements       = each.value.statements
  ca_secret_arn    = var.ca_secret_arn
  ca_file          = var.ca_file
  kms_key_arn      = var.kms_key_arn
  log_group_name   = aws_cloudwatch_log_group.this.name
  log_group_arn    = aws_cloudwatch_log_group.this.arn
}

# The networks' keys, as JSON by the names of the settings. Filled by the operator; only the names that are told are read,
# because a task does not start where one of them is missing.
resource "aws_secretsmanager_secret" "ingest" {
  name                    = "${var.name}/ingest"
  description             = "Keys of the networks' APIs, as JSON: WUNDERGROUND_API_KEY, INFOCLIMAT_TOKEN …"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

locals {
  ingest_secrets = { for key in var.ingest_keys : key => "${aws_secretsmanager_secret.ingest.arn}:${key}::" }
}

# What Airbyte needs to write the raw zone, and no more: attach it to the role or user that its S3 destination has.
resource "aws_iam_policy" "airbyte" {
  name        = "${var.name}-airbyte"
  description = "Writes the raw zone: what Airbyte's S3 destination needs"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindTheBucket"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
        Resource = local.raw_arn
      },
      {
        # It lists and reads what it wrote to find its place, and tries out its rights with an object that it removes.
        Sid      = "WriteTheRawZone"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        Resource = "${local.raw_arn}/${var.raw_prefix}*"
      },
    ]
  })
}
