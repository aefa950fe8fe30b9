# Each alarm says in its description what is wrong; docs/runbooks/ has what to do, alarm by alarm. An alarm of severity
# page is for at once, one of severity ticket for the next working day.

locals {
  # The objective of slo.toml, which `make docs` writes there: Terraform reads no TOML.
  freshness = jsondecode(file("${path.module}/freshness.json"))

  minutes_5 = 300
  hour      = 3600
  day       = 86400
  # The schedule, and two hours more.
  hours_without = var.hours_between_runs + 2

  # Of each member. Metrics without a namespace of their own are those of metrics.tf.
  member_alarms = {
    replication-lag = {
      description = "is more than a minute behind the primary: it cannot take over without losing time."
      metric      = "ReplicationLagSeconds", statistic = "Maximum", above = 60, periods = 2, missing = "notBreaching", severity = "ticket"
    }
    disk = {
      description = "has used more than 80 % of its disk. At 100 % mongod stops."
      metric      = "DiskUsedPercent", statistic = "Maximum", above = 80, periods = 1, missing = "notBreaching", severity = "page"
    }
    crash-loop = {
      # Restarted in place, mongod is no event of ECS; a container that lives for less than a minute is not restarted.
      description = "has started mongod more than once within an hour: it crashes. If it lives for less than a minute, its disk goes."
      metric      = "MongodStarts", statistic = "Sum", above = 1, period = local.hour, periods = 1, missing = "notBreaching", severity = "page"
    }
    cpu = {
      description = "has used more than 80 % of its CPU for 15 minutes."
      metric      = "CPUUtilization", statistic = "Average", above = 80, periods = 3, missing = "notBreaching", severity = "ticket"
    }
    memory = {
      description = "has used more than 90 % of its memory for 15 minutes. At 100 % its task is killed, and its disk goes with it."
      metric      = "MemoryUtilization", statistic = "Maximum", above = 90, periods = 3, missing = "notBreaching", severity = "page"
    }
  }

  # Of the whole.
  alarms = {
    rejoin-waiting = {
      description = "A member with a fresh disk has waited for a primary for ten minutes. It will not start by itself: a majority, or the whole set, is lost."
      metric      = "RejoinWaiting", statistic = "Sum", above = 0, period = local.minutes_5, periods = 2, missing = "notBreaching", severity = "page"
    }
    mongod-fatal = {
      description = "mongod ended with a fatal error."
      metric      = "FatalErrors", statistic = "Sum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching", severity = "ticket"
    }
    certificate-renewal = {
      # Told once an hour; where nobody tells it any more, that is an alarm as well.
      description = "The certificate of a member holds for less than 30 days, or for six hours nobody has seen how long. Members take a new one by themselves."
      metric      = "CertificateDaysLeft", statistic = "Minimum", below = 30, period = 6 * local.hour, periods = 1, missing = "breaching", severity = "ticket"
    }
    certificate-ends = {
      description = "The certificate of a member holds for less than 7 days. A member that starts with one that has expired ends at once, and its disk goes."
      metric      = "CertificateDaysLeft", statistic = "Minimum", below = 7, period = local.hour, periods = 2, missing = "notBreaching", severity = "page"
    }
    oplog-window = {
      description = "The oplog is full and holds less than 24 hours: a member that is away or copies for longer has to copy everything again."
      metric      = "OplogWindowHours", statistic = "Minimum", below = 24, period = local.hour, periods = 2, missing = "notBreaching", severity = "ticket"
    }
    no-successful-run = {
      # Exit code 3 counts as well: such a run came to its end and loaded what it could. One rejected object would else
      # keep this alarm on and hide that runs have stopped; it has alarms of its own.
      description = "For ${local.hours_without} hours no run of the pipeline has come to its end (exit code 0 or 3): the newest observations are missing."
      metric      = "RunsDone", statistic = "Sum", below = 1, period = local.hour, periods = local.hours_without, missing = "breaching", severity = "page"
    }
    no-backup = {
      description = "For ${local.hours_without} hours no dump of the database has come to its end."
      metric      = "DumpsDone", statistic = "Sum", below = 1, period = local.hour, periods = local.hours_without, missing = "breaching", severity = "page"
    }
    stations-newly-silent = {
      # While stations-silent lasts, it mails no other station; a dead one can last for months. This is over by itself
      # after an hour, with nothing mended, and so it mails no OK.
      description = "A station has fallen silent since the run before."
      metric      = "StationsNewlySilent", statistic = "Sum", above = 0, period = local.hour, periods = 1, missing = "notBreaching", severity = "ticket", mails_ok = false
    }
    no-rows = {
      # Days without a run have no-successful-run.
      description = "On two days running no run has read a single row: nothing new is delivered."
      metric      = "RowsRead", statistic = "Sum", below = 1, period = local.day, periods = 2, missing = "notBreaching", severity = "page"
    }
  }

  # Of numbers that come once with each run. The alarm lasts until a later run has a good one, or none came in time: with
  # a period of an hour it would say OK an hour after each run, with nothing mended.
  run_alarms = {
    rejection-rate = {
      # The pipeline's own limit, where its exit code becomes 3.
      description = "A run quarantined more than 5 % of its records."
      metric      = "RejectionRate", statistic = "Maximum", above = 0.05
    }
    stations-silent = {
      description = "A station has sent nothing for longer than MAX_DATA_AGE_HOURS."
      metric      = "StationsSilent", statistic = "Maximum", above = 0
    }
    observations-old = {
      description = "The newest observation of a whole network is older than ${local.freshness.max_age_hours} hours, the objective of freshness in slo.toml."
      metric      = "NewestObservationAgeSeconds", statistic = "Maximum", above = local.freshness.max_age_hours * local.hour
    }
    raw-zone-old = {
      # No observation is newer than the object that brought it, so that observations-old follows.
      description = "No object has been written to the raw zone for ${local.freshness.max_age_hours} hours: what fills it has stopped, whatever the pipeline does."
      metric      = "RawZoneAgeSeconds", statistic = "Maximum", above = local.freshness.max_age_hours * local.hour
    }
    incomplete = {
      description = "Records of a network have less than half of the parameters that its stations report."
      metric      = "Completeness", statistic = "Minimum", below = 0.5
    }
    run-slow = {
      description = "A run took more than ${var.max_run_hours} hours."
      metric      = "RunSeconds", statistic = "Maximum", above = var.max_run_hours * local.hour
    }
    quota-low = {
      description = "A network's API has less than 10 % of its calls left for 24 hours."
      metric      = "QuotaLeftPercent", statistic = "Minimum", below = 10
    }
    # No target stands here: the commands hold what they measured to slo.toml.
    error-budget-spent = {
      description = "More runs or queries than slo.toml allows missed an objective in its window_days."
      metric      = "ErrorBudgetUsedPercent", statistic = "Maximum", above = 100
    }
    latency-target = {
      description = "The 95th or the 99th percentile of the time of a station's day is above its target."
      metric      = "LatencyTargetMissed", statistic = "Sum", above = 0
    }
    backup-failed = {
      description = "A dump of the database failed."
      metric      = "DumpsFailed", statistic = "Sum", above = 0
    }
  }

  # ECS's own metrics know a member by its service, ours by its host.
  ecs_metrics = ["CPUUtilization", "MemoryUtilization"]

  alarms_by_member = merge([
    for alarm, settings in local.member_alarms : {
      for member, host in local.members : "${alarm}-${member}" => merge({ period = local.minutes_5 }, settings, {
        description                                                              = "${member} ${settings.description}"
        namespace                                                                = contains(local.ecs_metrics, settings.metric) ? "AWS/ECS" : var.name
        dimensions                                                               = contains(local.ecs_metrics, settings.metric) ? { ClusterName = var.cluster_name, ServiceName = member } : { member = host }
      })
    }
  ]...)

  alarms_of_the_whole = { for alarm, settings in local.alarms : alarm => merge(settings, { namespace = var.name, dimensions = {} }) }

  alarms_of_runs = {
    for alarm, settings in local.run_alarms : alarm => merge(settings, {
      period    = local.hour, periods = local.hours_without, any = 1, missing = "notBreaching", severity = "ticket"
      namespace = var.name, dimensions = {}
    })
  }

  dead_letter_alarms = {
    for what, queue in var.dead_letter_queue_names : "dead-letters-${what}" => {
      description = "A scheduled ${what} could not be started."
      metric      = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching"
      namespace   = "AWS/SQS", dimensions = { QueueName = queue }, severity = "ticket"
    }
  }

  chain_alarms = {
    for alarm, settings in {
      chain-failed    = { description = "The chain of the day's work stopped, or ended with something to look at.", metric = "ExecutionsFailed" }
      chain-timed-out = { description = "The chain of the day's work took longer than 23 hours.", metric = "ExecutionsTimedOut" }
      } : alarm => merge(settings, {
        statistic = "Sum", above = 0, period = local.hour, periods = local.hours_without, any = 1, missing = "notBreaching"
        namespace = "AWS/States", dimensions = { StateMachineArn = var.chain_arn }, severity = "ticket"
    })
  }

  # An event that does not reach the topic leaves this trace and no other.
  event_alarms = {
    for rule, _ in local.events : "event-lost-${rule}" => {
      description = "An event of the rule ${rule} could not be mailed."
      metric      = "FailedInvocations", statistic = "Sum", above = 0, period = local.minutes_5, periods = 1, missing = "notBreaching"
      namespace   = "AWS/Events", dimensions = { RuleName = "${var.name}-${rule}" }, severity = "ticket"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = merge(
    local.alarms_by_member, local.alarms_of_the_whole, local.alarms_of_runs, local.dead_letter_alarms, local.event_alarms,
    local.chain_alarms,
  )

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = try(each.value.any, each.value.periods)
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this[each.value.severity].arn]
  ok_actions          = try(each.value.mails_ok, true) ? [aws_sns_topic.this[each.value.severity].arn] : []
}
