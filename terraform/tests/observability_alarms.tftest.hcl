# Which alarms there are, and when each rings.

mock_provider "aws" {
  source = "./tests/mocks"
}

# Told apart by their addresses.
override_resource {
  target = aws_sns_topic.this["page"]
  values = { arn = "arn:aws:sns:eu-west-3:123456789012:forecast-test-page" }
}

override_resource {
  target = aws_sns_topic.this["ticket"]
  values = { arn = "arn:aws:sns:eu-west-3:123456789012:forecast-test-ticket" }
}

variables {
  name        = "forecast-test"
  kms_key_arn = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  emails      = { page = ["on-call@example.org"], ticket = ["weather-team@example.org"] }

  hours_between_runs = 24
  monthly_budget_usd = 300
  chain_arn          = "arn:aws:states:eu-west-3:123456789012:stateMachine:forecast-test-chain"

  cluster_name = "forecast-test"
  cluster_arn  = "arn:aws:ecs:eu-west-3:123456789012:cluster/forecast-test"
  member_hosts = {
    mongo-1 = "mongo-1.forecast-test.internal:27017"
    mongo-2 = "mongo-2.forecast-test.internal:27017"
    mongo-3 = "mongo-3.forecast-test.internal:27017"
  }
  log_group_names = {
    members  = "/forecast-test/mongodb/members"
    tools    = "/forecast-test/mongodb/tools"
    pipeline = "/forecast-test/pipeline"
  }
  dead_letter_queue_names = { chain = "forecast-test-chain-dead-letters", roll = "forecast-test-mongo-roll-dead-letters" }
  task_families           = ["forecast-test-pipeline", "forecast-test-mongo-dump"]
  backup_vault_name       = "forecast-test"
}

run "every_alarm_by_name" {
  module { source = "./modules/observability" }

  # The runbook has an entry for each of these.
  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(concat(
      flatten([for alarm in ["cpu", "crash-loop", "disk", "memory", "replication-lag"] : [for member in ["mongo-1", "mongo-2", "mongo-3"] : "${alarm}-${member}"]]),
      ["certificate-ends", "certificate-renewal", "mongod-fatal", "no-backup", "no-rows", "no-successful-run", "oplog-window", "rejoin-waiting", "stations-newly-silent"],
      ["backup-failed", "error-budget-spent", "incomplete", "latency-target", "observations-old", "quota-low", "raw-zone-old", "rejection-rate", "run-slow", "stations-silent"],
      ["chain-failed", "chain-timed-out", "dead-letters-roll", "dead-letters-chain"],
      ["event-lost-member-stopped", "event-lost-restore-failed", "event-lost-snapshot-failed", "event-lost-task-failed", "event-lost-task-retirement"],
    ))
    error_message = "An alarm was added or is missing."
  }
  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.computed)) == toset(concat(
      flatten([for alarm in ["logs-missing", "member-down"] : [for member in ["mongo-1", "mongo-2", "mongo-3"] : "${alarm}-${member}"]]),
      ["no-primary", "quorum-lost"],
    ))
    error_message = "An alarm was added or is missing."
  }
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.computed)) :
      length(alarm.alarm_actions) == 1 && alarm.ok_actions == (alarm.alarm_name == "forecast-test-stations-newly-silent" ? toset([]) : alarm.alarm_actions)
    ])
    error_message = "Each tells one topic when it begins and when it is over, but for the one that is over by itself."
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.computed)) : length(alarm.alarm_description) > 20])
    error_message = "Each says in words what is wrong."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.period * alarm.evaluation_periods <= (alarm.period < 3600 ? 86400 : 604800)])
    error_message = "CloudWatch looks back a day, and seven days by periods of an hour or more."
  }
}

run "what_wakes_somebody" {
  module { source = "./modules/observability" }

  assert {
    condition = toset([for name, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.computed) : name if alarm.alarm_actions == toset([aws_sns_topic.this["page"].arn])]) == toset(concat(
      flatten([for alarm in ["crash-loop", "disk", "logs-missing", "memory"] : [for member in ["mongo-1", "mongo-2", "mongo-3"] : "${alarm}-${member}"]]),
      ["certificate-ends", "no-backup", "no-primary", "no-rows", "no-successful-run", "quorum-lost", "rejoin-waiting"],
    ))
    error_message = "What loses data or stops the work is a page, everything else a ticket."
  }
}

run "silence_is_an_alarm_where_it_means_death" {
  module { source = "./modules/observability" }

  assert {
    condition = toset([for name, alarm in merge(aws_cloudwatch_metric_alarm.this, aws_cloudwatch_metric_alarm.computed) : name if alarm.treat_missing_data == "breaching"]) == toset([
      "member-down-mongo-1", "member-down-mongo-2", "member-down-mongo-3", "quorum-lost", "no-primary", "no-successful-run", "no-backup", "certificate-renewal",
    ])
    error_message = "What is dead sends no numbers."
  }
}

run "of_each_member" {
  module { source = "./modules/observability" }

  assert {
    condition = alltrue([
      for member, host in var.member_hosts :
      aws_cloudwatch_metric_alarm.this["crash-loop-${member}"].dimensions == tomap({ member = host })
      && aws_cloudwatch_metric_alarm.this["crash-loop-${member}"].metric_name == "MongodStarts"
      && aws_cloudwatch_metric_alarm.this["crash-loop-${member}"].threshold == 1
      && aws_cloudwatch_metric_alarm.this["crash-loop-${member}"].period * aws_cloudwatch_metric_alarm.this["crash-loop-${member}"].evaluation_periods == 3600
    ])
    error_message = "Two starts of mongod within an hour are a crash loop."
  }
  assert {
    condition = alltrue([
      for member in keys(var.member_hosts) :
      aws_cloudwatch_metric_alarm.this["cpu-${member}"].namespace == "AWS/ECS"
      && aws_cloudwatch_metric_alarm.this["cpu-${member}"].dimensions == tomap({ ClusterName = "forecast-test", ServiceName = member })
      && aws_cloudwatch_metric_alarm.this["cpu-${member}"].threshold == 80
      && aws_cloudwatch_metric_alarm.this["memory-${member}"].threshold == 90
    ])
    error_message = "CPU and memory are ECS's metrics of the member's service."
  }
  assert {
    condition = alltrue([
      for member in keys(var.member_hosts) :
      aws_cloudwatch_metric_alarm.this["replication-lag-${member}"].threshold == 60
      && aws_cloudwatch_metric_alarm.this["replication-lag-${member}"].comparison_operator == "GreaterThanThreshold"
      && aws_cloudwatch_metric_alarm.this["disk-${member}"].threshold == 80
    ])
    error_message = "A minute of lag, 80 % of the disk."
  }
}

run "of_several_metrics" {
  module { source = "./modules/observability" }

  assert {
    condition = { for query in aws_cloudwatch_metric_alarm.computed["member-down-mongo-2"].metric_query : query.id => try([query.metric[0].namespace, query.metric[0].metric_name, query.metric[0].stat, query.metric[0].period, query.metric[0].dimensions], query.expression) } == {
      result  = "IF(FILL(healthy,0) > 0, 1, IF(FILL(reports,0) > 0, 0, IF(FILL(task,0) > 0, 1, 0)))"
      healthy = ["forecast-test", "MemberHealthy", "Sum", 300, tomap({ member = "mongo-2.forecast-test.internal:27017" })]
      reports = ["forecast-test", "MemberReports", "Sum", 300, tomap({ member = "mongo-2.forecast-test.internal:27017" })]
      task    = ["AWS/ECS", "CPUUtilization", "SampleCount", 300, tomap({ ClusterName = "forecast-test", ServiceName = "mongo-2" })]
    }
    error_message = "A member is down by its own word, or where it has no task."
  }
  assert {
    condition = one([for query in aws_cloudwatch_metric_alarm.computed["quorum-lost"].metric_query : query.expression if query.id == "result"]) == join(" + ", [
      for number in [1, 2, 3] : "IF(FILL(healthy${number},0) > 0, 1, IF(FILL(reports${number},0) > 0, 0, IF(FILL(task${number},0) > 0, 1, 0)))"
    ])
    error_message = "The members are counted, not their reports."
  }
  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.computed : name => [alarm.comparison_operator, alarm.threshold, alarm.evaluation_periods] if !endswith(name, "-2") && !endswith(name, "-3") } == {
      member-down-mongo-1  = ["LessThanThreshold", 1, 2]
      logs-missing-mongo-1 = ["GreaterThanThreshold", 0, 2]
      quorum-lost          = ["LessThanThreshold", 2, 1]
      no-primary           = ["LessThanThreshold", 1, 1]
    }
    error_message = "Fewer than two members are no majority of three."
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.computed : alltrue([
        for query in alarm.metric_query : query.id == "result" || length(regexall("\\b${query.id}\\b", one([for other in alarm.metric_query : other.expression if other.id == "result"]))) > 0
      ])
    ])
    error_message = "No metric is asked for that the expression does not use."
  }
}

run "a_run_and_a_dump_every_day" {
  module { source = "./modules/observability" }

  assert {
    condition = alltrue([
      for alarm in ["no-successful-run", "no-backup"] :
      aws_cloudwatch_metric_alarm.this[alarm].period * aws_cloudwatch_metric_alarm.this[alarm].evaluation_periods == 26 * 3600
      && aws_cloudwatch_metric_alarm.this[alarm].threshold == 1
    ])
    error_message = "26 hours without one."
  }
  assert {
    condition = { for name in ["error-budget-spent", "incomplete", "latency-target", "observations-old", "quota-low", "raw-zone-old", "rejection-rate", "run-slow", "stations-silent"] : name => [
      aws_cloudwatch_metric_alarm.this[name].metric_name, aws_cloudwatch_metric_alarm.this[name].statistic,
      aws_cloudwatch_metric_alarm.this[name].comparison_operator == "LessThanThreshold" ? "below" : "above", aws_cloudwatch_metric_alarm.this[name].threshold,
      ] } == {
      error-budget-spent = ["ErrorBudgetUsedPercent", "Maximum", "above", 100]
      incomplete         = ["Completeness", "Minimum", "below", 0.5]
      latency-target     = ["LatencyTargetMissed", "Sum", "above", 0]
      observations-old   = ["NewestObservationAgeSeconds", "Maximum", "above", 30 * 3600]
      quota-low          = ["QuotaLeftPercent", "Minimum", "below", 10]
      raw-zone-old       = ["RawZoneAgeSeconds", "Maximum", "above", 30 * 3600]
      rejection-rate     = ["RejectionRate", "Maximum", "above", 0.05]
      run-slow           = ["RunSeconds", "Maximum", "above", 3 * 3600]
      stations-silent    = ["StationsSilent", "Maximum", "above", 0]
    }
    error_message = "What a run found, and from where on it is too much."
  }
  assert {
    condition = alltrue([
      for name in ["backup-failed", "rejection-rate", "stations-silent"] :
      aws_cloudwatch_metric_alarm.this[name].datapoints_to_alarm == 1
      && aws_cloudwatch_metric_alarm.this[name].period == 3600
      && aws_cloudwatch_metric_alarm.this[name].evaluation_periods == 26
    ])
    error_message = "One number a day keeps its alarm until the next day's number is there: no OK comes in between."
  }
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["no-rows"].metric_name == "RowsRead"
      && aws_cloudwatch_metric_alarm.this["no-rows"].period == 86400
      && aws_cloudwatch_metric_alarm.this["no-rows"].evaluation_periods == 2
      && aws_cloudwatch_metric_alarm.this["no-rows"].threshold == 1
    )
    error_message = "Two days running without a row."
  }
}

run "a_station_falls_silent_while_another_is" {
  module { source = "./modules/observability" }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["stations-newly-silent"].metric_name == "StationsNewlySilent"
      && aws_cloudwatch_metric_alarm.this["stations-newly-silent"].threshold == 0
      && aws_cloudwatch_metric_alarm.this["stations-newly-silent"].period == 3600
      && aws_cloudwatch_metric_alarm.this["stations-newly-silent"].evaluation_periods == 1
      && aws_cloudwatch_metric_alarm.this["stations-newly-silent"].treat_missing_data == "notBreaching"
    )
    error_message = "It is over before the next run, of which it can tell again."
  }
}

run "certificates_and_the_oplog" {
  module { source = "./modules/observability" }

  assert {
    condition = { for name in ["certificate-ends", "certificate-renewal", "oplog-window"] : name => [
      aws_cloudwatch_metric_alarm.this[name].metric_name, aws_cloudwatch_metric_alarm.this[name].statistic,
      aws_cloudwatch_metric_alarm.this[name].comparison_operator, aws_cloudwatch_metric_alarm.this[name].threshold,
      ] } == {
      certificate-ends    = ["CertificateDaysLeft", "Minimum", "LessThanThreshold", 7]
      certificate-renewal = ["CertificateDaysLeft", "Minimum", "LessThanThreshold", 30]
      oplog-window        = ["OplogWindowHours", "Minimum", "LessThanThreshold", 24]
    }
    error_message = "The member whose certificate ends first counts; a month before, and a week."
  }
}

run "an_hourly_schedule" {
  module { source = "./modules/observability" }

  variables { hours_between_runs = 1 }

  assert {
    condition     = toset([for name in ["no-successful-run", "no-backup", "rejection-rate", "stations-silent"] : aws_cloudwatch_metric_alarm.this[name].evaluation_periods]) == toset([3])
    error_message = "The alarms follow the schedule."
  }
}

run "what_could_not_start" {
  module { source = "./modules/observability" }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["dead-letters-roll"].dimensions == tomap({ QueueName = "forecast-test-mongo-roll-dead-letters" })
      && aws_cloudwatch_metric_alarm.this["dead-letters-roll"].namespace == "AWS/SQS"
      && aws_cloudwatch_metric_alarm.this["dead-letters-roll"].threshold == 0
    )
    error_message = "One message in a queue rings."
  }
}
