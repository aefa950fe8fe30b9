# Who is told, by whom, and of what besides numbers.

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

run "alarms_and_events_reach_the_topic" {
  module { source = "./modules/observability" }

  assert {
    condition = [for statement in jsondecode(aws_sns_topic_policy.alarms.policy).Statement : [statement.Principal.Service, statement.Action, can(statement.Condition)]] == [
      ["cloudwatch.amazonaws.com", "sns:Publish", true],
      ["events.amazonaws.com", "sns:Publish", false],
    ]
    error_message = "CloudWatch of this account, and EventBridge without a condition, with which it could publish nothing."
  }
  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "AWS's own key would let no alarm through."
  }
  assert {
    condition     = { for address, subscription in aws_sns_topic_subscription.email : address => [subscription.protocol, subscription.endpoint] } == { "weather-team@example.org" = ["email", "weather-team@example.org"] }
    error_message = "Each address is subscribed once."
  }
}

run "events" {
  module { source = "./modules/observability" }

  assert {
    condition     = keys(aws_cloudwatch_event_rule.this) == ["member-stopped", "restore-failed", "snapshot-failed", "task-failed", "task-retirement"]
    error_message = "An event was added or is missing."
  }
  assert {
    condition     = alltrue([for rule, target in aws_cloudwatch_event_target.mail : target.rule == "forecast-test-${rule}" && target.arn == aws_sns_topic.alarms.arn && target.role_arn == null])
    error_message = "Each is mailed by the topic's policy; with a role the encrypted topic would get nothing."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["member-stopped"].event_pattern).detail.group == ["service:mongo-1", "service:mongo-2", "service:mongo-3"]
    error_message = "Of the members."
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["task-failed"].event_pattern).detail == {
      clusterArn = [var.cluster_arn]
      lastStatus = ["STOPPED"]
      group      = ["family:forecast-test-pipeline", "family:forecast-test-mongo-dump"]
      "$or"      = [{ containers = { exitCode = [{ anything-but = [0] }] } }, { stopCode = ["TaskFailedToStart"] }]
    }
    error_message = "A task of ours that ended with another exit code than 0, or never began."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["snapshot-failed"].event_pattern).detail == { backupVaultName = ["forecast-test"], state = ["FAILED", "ABORTED", "EXPIRED"] }
    error_message = "A job of our vault that did not come to its end."
  }
}

run "one_page_shows_it" {
  module { source = "./modules/observability" }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == toset([for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn])
    error_message = "All alarms are on top."
  }
  assert {
    condition = alltrue(flatten([
      for widget in slice(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets, 1, 10) : [
        for metric in widget.properties.metrics :
        contains(["CPUUtilization", "MemoryUtilization"], metric[1]) ? metric[0] == "AWS/ECS" : metric[0] == "forecast-test" && contains(keys(aws_cloudwatch_log_metric_filter.this), metric[1])
      ]
    ]))
    error_message = "No chart is of a metric that nobody makes."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24
    ])
    error_message = "Nothing is drawn beside the grid."
  }
}

run "nobody_to_tell" {
  command = plan
  module { source = "./modules/observability" }

  variables { emails = [] }

  expect_failures = [var.emails]
}

run "no_address" {
  command = plan
  module { source = "./modules/observability" }

  variables { emails = ["weather-team"] }

  expect_failures = [var.emails]
}

run "two_members" {
  command = plan
  module { source = "./modules/observability" }

  variables { member_hosts = { mongo-1 = "a:27017", mongo-2 = "b:27017" } }

  expect_failures = [var.member_hosts]
}

run "a_log_group_forgotten" {
  command = plan
  module { source = "./modules/observability" }

  variables { log_group_names = { members = "/forecast-test/mongodb/members" } }

  expect_failures = [var.log_group_names]
}

run "no_queue_watched" {
  command = plan
  module { source = "./modules/observability" }

  variables { dead_letter_queue_names = {} }

  expect_failures = [var.dead_letter_queue_names]
}
