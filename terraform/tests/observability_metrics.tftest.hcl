# Numbers out of log lines.

mock_provider "aws" {
  source = "./tests/mocks"
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

run "patterns" {
  module { source = "./modules/observability" }

  assert {
    condition = { for name, filter in aws_cloudwatch_log_metric_filter.this : name => filter.pattern if startswith(filter.log_group_name, "/forecast-test/mongodb/") } == {
      MemberHealthy         = "{ $.event = \"member_state\" && ($.state = \"PRIMARY\" || $.state = \"SECONDARY\") }"
      MemberReports         = "{ $.event = \"member_state\" }"
      Reports               = "{ $.event = \"member_state\" }"
      MongodStarts          = "{ $.event = \"mongod_starting\" }"
      PrimaryReports        = "{ $.event = \"member_state\" && $.state = \"PRIMARY\" }"
      ReplicationLagSeconds = "{ $.event = \"member_state\" && $.lag_seconds = * }"
      DiskUsedPercent       = "{ $.event = \"member_state\" && $.disk_used_percent = * }"
      RejoinWaiting         = "{ $.event = \"rejoin_waiting\" }"
      FatalErrors           = "{ $.s = \"F\" }"
      DumpsDone             = "{ $.event = \"dump_done\" }"
      DumpsFailed           = "{ $.event = \"dump_failed\" }"
    }
    error_message = "The lines of the members and of the tools, as docker/mongo/README.md has them."
  }
  assert {
    condition = { for name, filter in aws_cloudwatch_log_metric_filter.this : name => filter.pattern if filter.log_group_name == "/forecast-test/pipeline" } == {
      RunsDone               = "{ $.event = \"run_finished\" && $.dry_run IS FALSE && ($.exit_code = 0 || $.exit_code = 3) }"
      RejectionRate          = "{ $.event = \"run_finished\" && $.dry_run IS FALSE && $.rejection_rate = * }"
      RecordsValidated       = "{ $.event = \"run_finished\" && $.dry_run IS FALSE && $.records_validated = * }"
      LatencyP95Milliseconds = "{ $.latency_ms.p95 = * }"
      LatencyTargetMissed    = "{ $.slo.met IS FALSE }"
    }
    error_message = "The last line of a run, and the report on latency."
  }
}

run "values" {
  module { source = "./modules/observability" }

  assert {
    condition = { for name, filter in aws_cloudwatch_log_metric_filter.this : name => one(filter.metric_transformation).value if one(filter.metric_transformation).value != "1" } == {
      ReplicationLagSeconds  = "$.lag_seconds"
      DiskUsedPercent        = "$.disk_used_percent"
      RejectionRate          = "$.rejection_rate"
      RecordsValidated       = "$.records_validated"
      LatencyP95Milliseconds = "$.latency_ms.p95"
    }
    error_message = "These are the line's own numbers; the others count lines."
  }
  assert {
    condition = toset([for name, filter in aws_cloudwatch_log_metric_filter.this : name if one(filter.metric_transformation).dimensions != null]) == toset([
      "MemberHealthy", "MemberReports", "MongodStarts", "ReplicationLagSeconds", "DiskUsedPercent",
    ])
    error_message = "These are told apart by member."
  }
  assert {
    condition     = alltrue([for filter in aws_cloudwatch_log_metric_filter.this : one(filter.metric_transformation).namespace == "forecast-test"])
    error_message = "Two stacks of one account do not mix their numbers."
  }
}

run "every_alarm_of_ours_has_its_metric" {
  module { source = "./modules/observability" }

  assert {
    condition = length(setsubtract(
      concat(
        [for alarm in aws_cloudwatch_metric_alarm.this : alarm.metric_name if alarm.namespace == "forecast-test"],
        flatten([for alarm in aws_cloudwatch_metric_alarm.computed : [for query in alarm.metric_query : query.metric[0].metric_name if query.id != "result" && try(query.metric[0].namespace, "") == "forecast-test"]]),
      ),
      concat(keys(aws_cloudwatch_log_metric_filter.this), flatten(values(local.embedded))),
    )) == 0
    error_message = "An alarm on a metric that nobody makes never rings."
  }
}
