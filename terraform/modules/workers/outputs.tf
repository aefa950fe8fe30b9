output "task_families" {
  description = "Task definition family of the run that hands its work to the workers, by task: pipeline-workers."
  value       = { pipeline-workers = module.task["pipeline-workers"].family }
}

output "task_role_arns" {
  description = "Roles that the tasks act under, by task: pipeline-workers, scheduler, worker."
  value       = { for name, task in module.task : name => task.task_role_arn }
}

output "security_group_id" {
  description = "Security group of the scheduler, the workers and the run."
  value       = aws_security_group.this.id
}

output "certificate_secret_arn" {
  description = "Container of their certificate and key, empty until the operator fills it."
  value       = aws_secretsmanager_secret.certificate.arn
}
