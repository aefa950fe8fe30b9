# The same as `forecast airbyte apply`, for those who keep their Airbyte in Terraform. Use one of the two.

locals {
  manifests = {
    for name in keys(var.sources) : name => jsondecode(file("${path.module}/../manifests/${name}.json"))
  }
}

resource "airbyte_declarative_source_definition" "this" {
  for_each = local.manifests

  workspace_id = var.workspace_id
  name         = "forecast ${each.key}"
  manifest     = jsonencode(each.value)
}

resource "airbyte_source" "this" {
  for_each = var.sources

  workspace_id  = var.workspace_id
  name          = "forecast ${each.key}"
  definition_id = airbyte_declarative_source_definition.this[each.key].id
  configuration = jsonencode(merge(
    {
      stations   = each.value.stations
      start_date = each.value.start_date
    },
    # Some networks ask for none.
    contains(keys(var.keys), each.key) ? { api_key = var.keys[each.key] } : {},
  ))
}

resource "airbyte_destination" "raw_zone" {
  workspace_id  = var.workspace_id
  name          = "forecast raw zone"
  definition_id = var.s3_destination_definition_id
  configuration = jsonencode(merge(
    {
      s3_bucket_name   = var.bucket.name
      s3_bucket_path   = var.bucket.prefix
      s3_bucket_region = var.bucket.region
      # Written out, because the pipeline reads the day of a sync from it.
      s3_path_format = "$${NAMESPACE}/$${STREAM_NAME}/$${YEAR}_$${MONTH}_$${DAY}_$${EPOCH}_"
      format = {
        format_type = "JSONL"
        flattening  = "No flattening"
        compression = { compression_type = "GZIP" }
      }
    },
    var.aws_keys == null ? {} : var.aws_keys,
  ))
}

resource "airbyte_connection" "this" {
  for_each = local.manifests

  name           = "forecast ${each.key}"
  source_id      = airbyte_source.this[each.key].source_id
  destination_id = airbyte_destination.raw_zone.destination_id

  configurations = {
    streams = [
      for stream in each.value.streams : {
        name         = stream.name
        sync_mode    = "incremental_append"
        cursor_field = [stream.incremental_sync.cursor_field]
      }
    ]
  }

  schedule = {
    schedule_type   = "cron"
    cron_expression = var.cron
  }

  namespace_definition                 = "custom_format"
  namespace_format                     = each.key
  non_breaking_schema_updates_behavior = "ignore"
  status                               = "active"
}
