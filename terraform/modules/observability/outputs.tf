output "topic_arns" {
  description = "Topics that alarms and events are published to, by severity: page, ticket."
  value       = { for severity, topic in aws_sns_topic.this : severity => topic.arn }
}

output "dashboard_name" {
  description = "The dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
