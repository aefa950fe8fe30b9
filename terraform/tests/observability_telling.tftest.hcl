# Who is told, by whom, and of what besides numbers.

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

run "alarms_and_events_reach_the_topic" {
  module { source = "./modules/observability" }

  assert {
    condition = [for statement in jsondecode(aws_sns_topic_policy.this["page"].policy).Statement : [statement.Principal.Service, statement.Action, can(statement.Condition)]] == [
      ["cloudwatch.amazonaws.com", "sns:Publish", true],
      ["events.amazonaws.com", "sns:Publish", false],
    ]
    error_message = "CloudWatch of this account, and EventBridge without a condition, with which it could publish nothing."
  }
  assert {
    condition     = alltrue([for topic in aws_sns_topic.this : topic.kms_master_key_id == var.kms_key_arn])
    error_message = "AWS's own key would let no alarm through."
  }
  assert {
    condition     = { for address, subscription in aws_sns_topic_subscription.email : address => [subscription.protocol, subscription.endpoint] } == { "page/on-call@example.org" = ["email", "on-call@example.org"], "ticket/weather-team@example.org" = ["email", "weather-team@example.org"] }
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
    condition     = alltrue([for rule, target in aws_cloudwatch_event_target.mail : target.rule == "forecast-test-${rule}" && target.arn == aws_sns_topic.this[rule == "member-stopped" ? "page" : "ticket"].arn && target.role_arn == null])
    error_message = "Each is mailed by the topic's policy; with a role the encrypted topic would get nothing."
  }
  assert {
    condition     = one(aws_cloudwatch_event_target.mail["member-stopped"].input_transformer).input_template == "\"forecast-test-member-stopped: A member's task stopped, and its disk is gone. <what>: <reason> (<task>)\""
    error_message = "Its mail is a sentence."
  }
  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.mail : toset(flatten(regexall("<(\\w+)>", one(target.input_transformer).input_template))) == toset(keys(one(target.input_transformer).input_paths))])
    error_message = "Each placeholder has its path."
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
    condition     = toset(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets[0].properties.alarms) == toset([for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.computed)) : alarm.arn])
    error_message = "All alarms are on top."
  }
  assert {
    condition = alltrue(flatten([
      for widget in slice(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets, 1, 16) : [
        for metric in widget.properties.metrics :
        can(metric[0].expression) ? length(regexall("^SEARCH\\('\\{\"forecast-test\",(network|source)\\} (${join("|", flatten(values(local.embedded)))})'", metric[0].expression)) == 1 : (
          contains(["CPUUtilization", "MemoryUtilization"], metric[1]) ? metric[0] == "AWS/ECS" : metric[0] == "forecast-test" && contains(concat(keys(aws_cloudwatch_log_metric_filter.this), local.embedded.none), metric[1])
        )
      ]
    ])) && length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 16
    error_message = "No chart is of a metric that nobody makes."
  }
  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24
    ])
    error_message = "Nothing is drawn beside the grid."
  }
}

run "a_budget" {
  module { source = "./modules/observability" }

  assert {
    condition     = aws_budgets_budget.this.limit_amount == "300" && one(aws_budgets_budget.this.cost_filter).values == tolist(["user:Stack$forecast-test"])
    error_message = "What this stack costs, and no other."
  }
  assert {
    condition = { for notification in aws_budgets_budget.this.notification : notification.notification_type => [notification.threshold, notification.subscriber_email_addresses] } == {
      ACTUAL     = [100, toset(["weather-team@example.org"])]
      FORECASTED = [120, toset(["weather-team@example.org"])]
    }
    error_message = "A mail when it is spent, and one when it is going to be."
  }
}

run "nobody_to_tell" {
  command = plan
  module { source = "./modules/observability" }

  variables { emails = { page = [], ticket = ["weather-team@example.org"] } }

  expect_failures = [var.emails]
}

run "no_address" {
  command = plan
  module { source = "./modules/observability" }

  variables { emails = { page = ["on-call@example.org"], ticket = ["weather-team"] } }

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
