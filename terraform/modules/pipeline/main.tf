# The scheduled run, after it a measurement of how long queries take, and two tasks that are started by hand.

data "aws_partition" "current" {}

locals {
  raw_arn       = "arn:${data.aws_partition.current.partition}:s3:::${var.raw_bucket}"
  processed_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.processed_bucket}"
  processed_uri = "s3://${var.processed_bucket}/"

  tasks = {
    pipeline = {
      entry_point = ["pipeline"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = { RAW_URI = "s3://${var.raw_bucket}/${var.raw_prefix}", PROCESSED_URI = local.processed_uri, MAX_DATA_AGE_HOURS = tostring(var.max_data_age_hours) }
      statements  = [local.may.list_raw, local.may.read_raw, local.may.list_processed, local.may.read_processed, local.may.write_processed]
    }
    migrate = {
      entry_point = ["forecast", "migrate"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = { PROCESSED_URI = local.processed_uri }
      statements  = [local.may.list_processed, local.may.read_processed, local.may.write_logs]
    }
    replay = {
      entry_point = ["forecast", "replay"]
      arguments   = []
      cpu         = var.cpu
      memory      = var.memory
      environment = { PROCESSED_URI = local.processed_uri }
      statements  = [local.may.list_processed, local.may.read_processed, local.may.write_processed]
    }
    latency = {
      # Its result is one JSON object on stdout; the metric of the service level is made of it.
      entry_point = ["latency-report"]
      arguments   = ["--station-id", var.latency_station_id, "--json"]
      cpu         = 512
      memory      = 1024
      environment = { PROCESSED_URI = local.processed_uri }
      statements  = [local.may.write_logs]
    }
  }

  schedules = { pipeline = var.schedule_expression, latency = var.latency_schedule_expression }

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

  name           = var.name
  task           = each.key
  image          = var.image
  repository_arn = var.repository_arn
  entry_point    = each.value.entry_point
  arguments      = each.value.arguments
  cpu            = each.value.cpu
  memory         = each.value.memory
  environment    = merge({ METRICS_NAMESPACE = var.name }, each.value.environment)
  secrets        = { MONGODB_URI = "${var.uri_secret_arn}:uri::" }
  statements     = each.value.statements
  ca_secret_arn  = var.ca_secret_arn
  ca_file        = var.ca_file
  kms_key_arn    = var.kms_key_arn
  log_group_name = aws_cloudwatch_log_group.this.name
  log_group_arn  = aws_cloudwatch_log_group.this.arn
}

module "schedule" {
  source   = "../schedule"
  for_each = local.schedules

  name                = "${var.name}-${each.key}"
  stack               = var.name
  cluster_arn         = var.cluster_arn
  task_definition_arn = module.task[each.key].arn
  passed_role_arns    = [module.task[each.key].task_role_arn, module.task[each.key].execution_role_arn]
  subnet_ids          = var.subnet_ids
  security_group_id   = var.security_group_id
  schedule_expression = each.value
  schedule_timezone   = var.schedule_timezone
}
