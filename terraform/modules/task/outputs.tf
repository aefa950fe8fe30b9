output "family" {
  description = "Task definition family; RunTask takes its newest revision."
  value       = aws_ecs_task_definition.this.family
}

output "arn" {
  description = "The newest revision of the task definition."
  value       = aws_ecs_task_definition.this.arn
}

output "task_role_arn" {
  description = "Role that the program acts under."
  value       = aws_iam_role.task.arn
}

output "execution_role_arn" {
  description = "Role by which ECS starts the task."
  value       = aws_iam_role.execution.arn
}
