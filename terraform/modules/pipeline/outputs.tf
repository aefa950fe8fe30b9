output "run" {
  description = "The run: size, environment, and what it may do, for a run on workers."
  value       = { for part in ["cpu", "memory", "environment", "statements"] : part => local.tasks.pipeline[part] }
}

output "log_group_arn" {
  description = "Log group of these tasks."
  value       = aws_cloudwatch_log_group.this.arn
}

output "log_group_name" {
  description = "Log group of these tasks."
  value       = aws_cloudwatch_log_group.this.name
}

output "task_families" {
  description = "Task definition families, by task: crud-check, dashboard, ingest, latency, load-test, migrate, pipeline, quality, replay, status."
  value       = { for name, task in module.task : name => task.family }
}

output "task_role_arns" {
  description = "Roles that the tasks act under, by task: crud-check, dashboard, ingest, latency, migrate, pipeline, quality, replay, situation."
  value       = { for name, task in module.task : name => task.task_role_arn }
}

output "steps" {
  description = "Tasks that the chain runs, by task: their newest definition, and the roles that it hands over."
  value = {
    for name in ["ingest", "pipeline", "latency", "dashboard"] : name => {
      task_definition_arn = module.task[name].arn
      passed_role_arns    = [module.task[name].task_role_arn, module.task[name].execution_role_arn]
    }
  }
}

output "ingest_secret_arn" {
  description = "Secret of the networks' keys, which the operator fills."
  value       = aws_secretsmanager_secret.ingest.arn
}

output "airbyte_policy_arn" {
  description = "Policy with the rights that Airbyte's S3 destination needs."
  value       = aws_iam_policy.airbyte.arn
}
