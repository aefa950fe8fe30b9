# Numbers out of log lines: docker/mongo/README.md has the members' lines, docs/reports.md what the reports hold.

locals {
  healthy = "{ $.event = \"member_state\" && ($.state = \"PRIMARY\" || $.state = \"SECONDARY\") }"
  # A dry run ends with a line too, and has done nothing.
  run_finished = "$.event = \"run_finished\" && $.dry_run IS FALSE"

  # by_member: one metric for each member, its host:port being the dimension.
  metrics = {
    MemberHealthy         = { log = "members", by_member = true, value = "1", pattern = local.healthy }
    MemberReports         = { log = "members", by_member = true, value = "1", pattern = "{ $.event = \"member_state\" }" }
    Reports               = { log = "members", by_member = false, value = "1", pattern = "{ $.event = \"member_state\" }" }
    MongodStarts          = { log = "members", by_member = true, value = "1", pattern = "{ $.event = \"mongod_starting\" }" }
    PrimaryReports        = { log = "members", by_member = false, value = "1", pattern = "{ $.event = \"member_state\" && $.state = \"PRIMARY\" }" }
    ReplicationLagSeconds = { log = "members", by_member = true, value = "$.lag_seconds", pattern = "{ $.event = \"member_state\" && $.lag_seconds = * }" }
    DiskUsedPercent       = { log = "members", by_member = true, value = "$.disk_used_percent", pattern = "{ $.event = \"member_state\" && $.disk_used_percent = * }" }
    RejoinWaiting         = { log = "members", by_member = false, value = "1", pattern = "{ $.event = \"rejoin_waiting\" }" }
    FatalErrors           = { log = "members", by_member = false, value = "1", pattern = "{ $.s = \"F\" }" }

    RunsDone         = { log = "pipeline", by_member = false, value = "1", pattern = "{ ${local.run_finished} && ($.exit_code = 0 || $.exit_code = 3) }" }
    RejectionRate    = { log = "pipeline", by_member = false, value = "$.rejection_rate", pattern = "{ ${local.run_finished} && $.rejection_rate = * }" }
    RecordsValidated = { log = "pipeline", by_member = false, value = "$.records_validated", pattern = "{ ${local.run_finished} && $.records_validated = * }" }

    LatencyP95Milliseconds = { log = "pipeline", by_member = false, value = "$.latency_ms.p95", pattern = "{ $.latency_ms.p95 = * }" }
    LatencyTargetMissed    = { log = "pipeline", by_member = false, value = "1", pattern = "{ $.slo.met IS FALSE }" }

    DumpsDone   = { log = "tools", by_member = false, value = "1", pattern = "{ $.event = \"dump_done\" }" }
    DumpsFailed = { log = "tools", by_member = false, value = "1", pattern = "{ $.event = \"dump_failed\" }" }
  }
}

# Those that the tasks write by themselves, as lines in CloudWatch's embedded metric format (forecast.report.metrics,
# forecast_ops.status); each without a dimension, and those of a network, an objective, a source or a member by
# its name as well.
locals {
  embedded = {
    none      = ["RowsRead", "RunSeconds", "RawZoneAgeSeconds", "StationsNewlySilent", "OplogWindowHours", "Connections", "SlowOperations", "SloMissed"]
    member    = ["CertificateDaysLeft"]
    network   = ["NewestObservationAgeSeconds", "StationsSilent", "Completeness"]
    objective = ["ErrorBudgetUsedPercent"]
    source    = ["QuotaLeftPercent", "IngestRowsWritten", "IngestDaysMissing"]
  }
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.metrics

  name           = each.key
  log_group_name = var.log_group_names[each.value.log]
  pattern        = each.value.pattern

  metric_transformation {
    namespace  = var.name
    name       = each.key
    value      = each.value.value
    dimensions = each.value.by_member ? { member = "$.member" } : null
  }
}
