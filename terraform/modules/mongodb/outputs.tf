output "cluster_name" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "cluster_arn" {
  description = "The ECS cluster."
  value       = aws_ecs_cluster.this.arn
}

output "namespace_id" {
  description = "Private DNS namespace of the members' names."
  value       = aws_service_discovery_private_dns_namespace.this.id
}

output "member_hosts" {
  description = "Members as host:port, by service: mongo-1, mongo-2, mongo-3."
  value       = local.hosts
}

output "member_task_definition_arns" {
  description = "Newest task definition of each member, by service. A service runs it once forecast mongo roll has rolled it."
  value       = { for member, definition in aws_ecs_task_definition.member : member => definition.arn }
}

output "client_security_group_id" {
  description = "Security group of tasks that connect to the members."
  value       = aws_security_group.client.id
}

output "log_group_names" {
  description = "Log groups: members, tools."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}

output "tool_task_families" {
  description = "Task definition families of the one-shot tools, by tool: init, recover, dump, restore, roll, status."
  value       = { for tool, task in module.tool : tool => task.family }
}

output "dead_letter_queue_names" {
  description = "Queues of what could not be started by the clock, by tool: roll, status."
  value       = { for tool, schedule in module.schedule : tool => schedule.dead_letter_queue_name }
}

output "volume_tag" {
  description = "Tag of the members' volumes, by which a backup plan finds them: key and value."
  value       = local.volume_tag
}

output "dump_step" {
  description = "The dump as a step of the chain: its newest definition, and the roles that it hands over."
  value = {
    task_definition_arn = module.tool["dump"].arn
    passed_role_arns    = [module.tool["dump"].task_role_arn, module.tool["dump"].execution_role_arn]
  }
}
