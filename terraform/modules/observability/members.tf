# Alarms that put several metrics together: which members are lost, and whether it is only their logs that do not come.
#
# What the members tell comes by their log, which a fault of the way out (the NAT gateway, the endpoint of CloudWatch
# Logs) stops while the set works. ECS counts the CPU of a member by itself: a member whose task uses CPU and of which no
# line comes is not down, its log is missing.

locals {
  # 1: the member is healthy, or its task runs and nothing is known of it; 0: it says that it is not, or it has no task.
  alive = "IF(FILL(healthy,0) > 0, 1, IF(FILL(reports,0) > 0, 0, IF(FILL(task,0) > 0, 1, 0)))"
  # 1: the task runs, and no line of it came.
  unheard = "IF(FILL(reports,0) > 0, 0, IF(FILL(task,0) > 0, 1, 0))"
  # 1: there is a primary, or no line of any member came while a task runs.
  led = "IF(FILL(primary,0) > 0, 1, IF(FILL(reports,0) > 0, 0, IF(FILL(task1,0) + FILL(task2,0) + FILL(task3,0) > 0, 1, 0)))"

  # The metrics of a member that the expressions name.
  of_member = {
    for member, host in local.members : member => {
      healthy = { namespace = var.name, metric = "MemberHealthy", statistic = "Sum", dimensions = { member = host } }
      reports = { namespace = var.name, metric = "MemberReports", statistic = "Sum", dimensions = { member = host } }
      task    = { namespace = "AWS/ECS", metric = "CPUUtilization", statistic = "SampleCount", dimensions = { ClusterName = var.cluster_name, ServiceName = member } }
    }
  }

  # The same of all members: healthy1, reports1, task1, healthy2, …
  of_all = merge([for number, member in keys(local.members) : { for id, metric in local.of_member[member] : "${id}${number + 1}" => metric }]...)

  computed_alarms = merge(
    {
      for member, _ in local.members : "member-down-${member}" => {
        description = "${member} has not been primary or secondary for 10 minutes. The set works while the other two do."
        expression  = local.alive, metrics = local.of_member[member], below = 1, periods = 2, missing = "breaching", severity = "ticket"
      }
    },
    {
      for member, _ in local.members : "logs-missing-${member}" => {
        description = "The task of ${member} runs, and no line of its log has arrived for 10 minutes: whether it is healthy is not known."
        expression  = local.unheard, metrics = { for id, metric in local.of_member[member] : id => metric if id != "healthy" }, above = 0, periods = 2, missing = "notBreaching", severity = "page"
      }
    },
    {
      quorum-lost = {
        description = "Fewer than two members are primary or secondary: nothing can be written."
        expression  = join(" + ", [for number in [1, 2, 3] : replace(local.alive, "/(healthy|reports|task),/", "$${1}${number},")])
        metrics     = local.of_all, below = 2, periods = 1, missing = "breaching", severity = "page"
      }
      no-primary = {
        description = "No member has been primary for five minutes: nothing can be written."
        expression  = local.led
        metrics = merge(
          { for id, metric in local.of_all : id => metric if startswith(id, "task") },
          {
            primary = { namespace = var.name, metric = "PrimaryReports", statistic = "Sum", dimensions = {} }
            reports = { namespace = var.name, metric = "Reports", statistic = "Sum", dimensions = {} }
          },
        )
        below = 1, periods = 1, missing = "breaching", severity = "page"
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "computed" {
  for_each = local.computed_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  evaluation_periods  = each.value.periods
  comparison_operator = can(each.value.below) ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.below, each.value.above)
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.this[each.value.severity].arn]
  ok_actions          = [aws_sns_topic.this[each.value.severity].arn]

  metric_query {
    id          = "result"
    expression  = each.value.expression
    label       = each.key
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.statistic
        period      = local.minutes_5
      }
    }
  }
}
