# Each alarm says in its description what is wrong; docs/runbooks/ has what to do, alarm by alarm.

locals {
  minutes_5 = 300
  hour      = 3600
  # The daily schedule and two hours more.
  hours_26 = 26

  # Of each member. Metrics without a namespace of their own are those of metrics.tf.
  member_alarms = {
    member-down = {
      description = "has not been primary or secondary for 10 minutes. The set works while the other two do."
      metric      = "MemberHealthy", statistic = "Sum", below = 1, periods = 2, missing = "breaching"
    }
    replication-lag = {
      description = "is more than a minute behind the primary: it cannot take over without losing time."
      metric      = "ReplicationLagSeconds", statistic = "Maximum", above = 60, periods = 2, missing = "notBreaching"
    }
    disk = {
      description = "has used more than 80 % of its disk. At 100 % mongod stops."
      metric      = "DiskUsedPercent", statistic = "Maximum", above = 80, periods = 1, missing = "notBreaching"
    }
    cpu = {
      description = "has used more than 80 % of its CPU for 15 minutes."
      metric      = "CPUUtilization", statistic = "Average", above = 80, periods = 3, missing = "notBreaching"
    }
    memory = {
      description = "has used more than 90 % of its memory for 15 minutes. At 100 % its task is killed, and its disk goes with it."
      metric      = "MemoryUtilization", statistic = "Maximum", above = 90, periods = 3, missing = "notBreaching"
    }
  }

  # Of the whole.
  alarms = {
    quorum-lost = {
      # A member reports every 60 s: in five minutes one sends 4 to 6 reports, two send 8 to 12.
      description = "Fewer than two members are primary or secondary: nothing can be written."
      metric      = "HealthyReports", statistic = "Sum", below = 8, period = local.minutes_5, periods = 1, missing = "breaching"
    }
    no-primary = {
      description = "No member has been primary for five minutes: nothing can be written."
      metric      = "PrimaryReports", statistic = "Sum", below = 1, period = local.minutes_5, periods = 1, missing = "breaching"
    }
    rejoin-waiting = {
      description = "A member with a fresh disk has waited for a primary for ten minutes. It will not start by itself: a majority, or the whole set, is lost."
      metric      = "RejoinWaiting", statistic = "Sum", above = 0, period = local.minutes_5, periods = 2, missing = "notBreaching"
    }
    mongod-fatal = {
      description = "mongod ended with a fatal error."
      metric      = "FatalErrors", statistic = "Sum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching"
    }
    no-successful-run = {
      # Exit code 3 counts as well: such a run came to its end and loaded what it could. One rejected object would else
      # keep this alarm on and hide that runs have stopped; it has alarms of its own.
      description = "For 26 hours no run of the pipeline has come to its end (exit code 0 or 3): the newest observations are missing."
      metric      = "RunsDone", statistic = "Sum", below = 1, period = local.hour, periods = local.hours_26, missing = "breaching"
    }
    rejection-rate = {
      # The pipeline's own limit, where its exit code becomes 3.
      description = "A run quarantined more than 5 % of its records."
      metric      = "RejectionRate", statistic = "Maximum", above = 0.05, period = local.hour, periods = 1, missing = "notBreaching"
    }
    stations-silent = {
      description = "A station has sent nothing for longer than MAX_DATA_AGE_HOURS."
      metric      = "StationsSilent", statistic = "Maximum", above = 0, period = local.hour, periods = 1, missing = "notBreaching"
    }
    latency-target = {
      description = "The 95th percentile of the time of a station's day is above its target."
      metric      = "LatencyTargetMissed", statistic = "Sum", above = 0, period = local.hour, periods = 1, missing = "notBreaching"
    }
    backup-failed = {
      description = "A dump of the database failed."
      metric      = "DumpsFailed", statistic = "Sum", above = 0, period = local.hour, periods = 1, missing = "notBreaching"
    }
    no-backup = {
      description = "For 26 hours no dump of the database has come to its end."
      metric      = "DumpsDone", statistic = "Sum", below = 1, period = local.hour, periods = local.hours_26, missing = "breaching"
    }
  }

  # ECS's own metrics know a member by its service, ours by its host.
  ecs_metrics = ["CPUUtilization", "MemoryUtilization"]

  alarms_by_member = merge([
    for alarm, settings in local.member_alarms : {
      for member, host in local.members : "${alarm}-${member}" => merge(settings, {
        description = "${member} ${settings.description}"
        period      = local.minutes_5
        namespace   = contains(local.ecs_metrics, settings.metric) ? "AWS/ECS" : var.name
        dimensions  = contains(local.ecs_metrics, settings.metric) ? { ClusterName = var.cluster_name, ServiceName = member } : { member = host }
      })
    }
  ]...)

  alarms_of_the_whole = { for alarm, settings in local.alarms : alarm => merge(settings, { namespace = var.name, dimensions = {} }) }

  dead_letter_alarms = {
    for what, queue in var.dead_letter_queue_names : "dead-letters-${what}" => {
      description = "A scheduled ${what} could not be started."
      metric      = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching"
      namespace   = "AWS/SQS", dimensions = { QueueName = queue }
    }
  }

  # An event that does not reach the topic leaves this trace and no other.
  event_alarms = {
    for rule, _ in local.events : "event-lost-${rule}" => {
      description = "An event of the rule ${rule} could not be mailed."
      metric      = "FailedInvocations", statistic = "Sum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching"
      namespace   = "AWS/Events", dimensions = { RuleName = "${var.name}-${rule}" }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(local.alarms_by_member, local.alarms_of_the_whole, local.dead_letter_alarms, local.event_alarms)

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
