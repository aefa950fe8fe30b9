# Which alarms there are, and when each rings.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name         = "forecast-test"
  kms_key_arn  = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  emails       = ["weather-team@example.org"]
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
  dead_letter_queue_names = { pipeline = "forecast-test-pipeline-dead-letters", dump = "forecast-test-mongo-dump-dead-letters" }
  task_families           = ["forecast-test-pipeline", "forecast-test-mongo-dump"]
  backup_vault_name       = "forecast-test"
}

run "every_alarm_by_name" {
  module { source = "./modules/observability" }

  # The runbook has an entry for each of these.
  assert {
    condition = toset(keys(aws_cloudwatch_metric_alarm.this)) == toset(concat(
      flatten([for alarm in ["cpu", "disk", "member-down", "memory", "replication-lag"] : [for member in ["mongo-1", "mongo-2", "mongo-3"] : "${alarm}-${member}"]]),
      ["backup-failed", "latency-target", "mongod-fatal", "no-backup", "no-primary", "no-successful-run", "quorum-lost", "rejection-rate", "rejoin-waiting", "stations-silent"],
      ["dead-letters-dump", "dead-letters-pipeline"],
      ["event-lost-member-stopped", "event-lost-restore-failed", "event-lost-snapshot-failed", "event-lost-task-failed", "event-lost-task-retirement"],
    ))
    error_message = "An alarm was added or is missing."
  }
  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "Each tells the topic when it begins and when it is over."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : length(alarm.alarm_description) > 20])
    error_message = "Each says in words what is wrong."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.period * alarm.evaluation_periods <= (alarm.period < 3600 ? 86400 : 604800)])
    error_message = "CloudWatch looks back a day, and seven days by periods of an hour or more."
  }
}

run "silence_is_an_alarm_where_it_means_death" {
  module { source = "./modules/observability" }

  assert {
    condition = toset([for name, alarm in aws_cloudwatch_metric_alarm.this : name if alarm.treat_missing_data == "breaching"]) == toset([
      "member-down-mongo-1", "member-down-mongo-2", "member-down-mongo-3", "quorum-lost", "no-primary", "no-successful-run", "no-backup",
    ])
    error_message = "What is dead sends no numbers."
  }
}

run "of_each_member" {
  module { source = "./modules/observability" }

  assert {
    condition = alltrue([
      for member, host in var.member_hosts :
      aws_cloudwatch_metric_alarm.this["member-down-${member}"].dimensions == tomap({ member = host })
      && aws_cloudwatch_metric_alarm.this["member-down-${member}"].comparison_operator == "LessThanThreshold"
      && aws_cloudwatch_metric_alarm.this["member-down-${member}"].threshold == 1
      && aws_cloudwatch_metric_alarm.this["member-down-${member}"].period * aws_cloudwatch_metric_alarm.this["member-down-${member}"].evaluation_periods == 600
    ])
    error_message = "A member that reports itself neither primary nor secondary for ten minutes is down."
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

run "quorum_by_counting_reports" {
  module { source = "./modules/observability" }

  # One report a minute from each healthy member, give or take one at the edges of the five minutes.
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["quorum-lost"].period == 300
      && 1 * 5 + 1 < aws_cloudwatch_metric_alarm.this["quorum-lost"].threshold
      && 2 * (5 - 1) >= aws_cloudwatch_metric_alarm.this["quorum-lost"].threshold
    )
    error_message = "One healthy member is too few, two are enough."
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
    condition     = aws_cloudwatch_metric_alarm.this["rejection-rate"].threshold == 0.05
    error_message = "The pipeline's own limit."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.this["stations-silent"].threshold == 0 && aws_cloudwatch_metric_alarm.this["stations-silent"].metric_name == "StationsSilent"
    error_message = "One silent station is one too many."
  }
}

run "what_could_not_start" {
  module { source = "./modules/observability" }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.this["dead-letters-dump"].dimensions == tomap({ QueueName = "forecast-test-mongo-dump-dead-letters" })
      && aws_cloudwatch_metric_alarm.this["dead-letters-dump"].namespace == "AWS/SQS"
      && aws_cloudwatch_metric_alarm.this["dead-letters-dump"].threshold == 0
    )
    error_message = "One message in a queue rings."
  }
}
