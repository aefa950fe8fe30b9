# Metrics, alarms and notifications.

data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  # The members' `member_state` lines name them as host:port.
  members = var.member_hosts
  # A page is for at once, a ticket for the next working day.
  severities = toset(["page", "ticket"])
}

resource "aws_sns_topic" "this" {
  for_each = local.severities

  name              = "${var.name}-${each.key}"
  display_name      = "${var.name} ${each.key}"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "this" {
  for_each = local.severities

  arn = aws_sns_topic.this[each.key].arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
      {
        # Without a condition: EventBridge sends nothing that one could be met with, and the message would be dropped
        # (EventBridge user guide, "Using resource-based policies", Amazon SNS permissions).
        Sid       = "Events"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = aws_sns_topic.this[each.key].arn
        Principal = { Service = "events.amazonaws.com" }
      },
    ]
  })
}

locals {
  subscriptions = merge([
    for severity, addresses in var.emails : { for address in addresses : "${severity}/${address}" => { severity = severity, address = address } }
  ]...)
}

# Each address gets a mail with a link once and nothing before it has followed it.
resource "aws_sns_topic_subscription" "email" {
  for_each = local.subscriptions

  topic_arn = aws_sns_topic.this[each.value.severity].arn
  protocol  = "email"
  endpoint  = each.value.address
}
