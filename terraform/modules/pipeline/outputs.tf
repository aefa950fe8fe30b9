output "log_group_name" {
  description = "Log group of these tasks."
  value       = aws_cloudwatch_log_group.this.name
}

output "task_families" {
  description = "Task definition families, by task: pipeline, latency, migrate, replay."
  value       = { for name, task in module.task : name => task.family }
}

output "task_role_arns" {
  description = "Roles that the tasks act under, by task: pipeline, latency, migrate, replay."
  value       = { for name, task in module.task : name => task.task_role_arn }
}

output "dead_letter_queue_names" {
  description = "Queues of runs that could not be started, by task: pipeline, latency."
  value       = { for name, schedule in module.schedule : name => schedule.dead_letter_queue_name }
}
