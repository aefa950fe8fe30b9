# One page: alarms on top, then the set, then the runs and what they found. The grid is 24 wide; two charts a row.

locals {
  charts = [
    { title = "Members healthy (reports in 5 minutes)", statistic = "Sum", metrics = [for host in values(local.members) : [var.name, "MemberHealthy", "member", host]] },
    { title = "Replication lag (s)", statistic = "Maximum", metrics = [for host in values(local.members) : [var.name, "ReplicationLagSeconds", "member", host]] },
    { title = "Disk used (%)", statistic = "Maximum", metrics = [for host in values(local.members) : [var.name, "DiskUsedPercent", "member", host]] },
    {
      title   = "CPU and memory of the members (%)", statistic = "Average"
      metrics = concat([for member in keys(local.members) : [for metric in local.ecs_metrics : ["AWS/ECS", metric, "ClusterName", var.cluster_name, "ServiceName", member]]]...)
    },
    { title = "Runs that came to their end", statistic = "Sum", metrics = [[var.name, "RunsDone"]] },
    { title = "Records validated", statistic = "Sum", metrics = [[var.name, "RecordsValidated"]] },
    { title = "Rejection rate", statistic = "Maximum", metrics = [[var.name, "RejectionRate"]] },
    { title = "Latency of a station's day, 95th percentile (ms)", statistic = "Maximum", metrics = [[var.name, "LatencyP95Milliseconds"]] },
    { title = "Rows read", statistic = "Sum", metrics = [[var.name, "RowsRead"]] },
    { title = "Seconds of a run", statistic = "Maximum", metrics = [[var.name, "RunSeconds"]] },
    # Networks and sources are whatever the registry has: found, not listed.
    { title = "Age of the newest observation, by network (s)", statistic = "Maximum", metrics = [[{ expression = "SEARCH('{\"${var.name}\",network} NewestObservationAgeSeconds', 'Maximum', 3600)" }]] },
    { title = "Silent stations, by network", statistic = "Maximum", metrics = [[{ expression = "SEARCH('{\"${var.name}\",network} StationsSilent', 'Maximum', 3600)" }]] },
    { title = "Calls left, by source (%)", statistic = "Minimum", metrics = [[{ expression = "SEARCH('{\"${var.name}\",source} QuotaLeftPercent', 'Minimum', 3600)" }]] },
    { title = "Age of the newest raw object (s)", statistic = "Maximum", metrics = [[var.name, "RawZoneAgeSeconds"]] },
    { title = "Dumps", statistic = "Sum", metrics = [[var.name, "DumpsDone"], [var.name, "DumpsFailed"]] },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{
        type = "alarm", x = 0, y = 0, width = 24, height = 4
        properties = {
          title  = "Alarms"
          alarms = [for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.computed)) : alarm.arn]
        }
      }],
      [for index, chart in local.charts : {
        type = "metric", x = index % 2 * 12, y = 4 + floor(index / 2) * 6, width = 12, height = 6
        properties = {
          title   = chart.title
          region  = data.aws_region.current.name
          stat    = chart.statistic
          period  = local.minutes_5
          metrics = chart.metrics
        }
      }],
    )
  })
}
