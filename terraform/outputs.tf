output "bucket_names" {
  description = "Names of the buckets, by zone: raw (Airbyte writes there), processed, backup."
  value       = module.storage.bucket_names
}

output "repository_urls" {
  description = "Where images are pushed to, by image: mongo, pipeline."
  value       = module.registry.repository_urls
}

output "mongo_hosts" {
  description = "Members of the replica set as host:port; the names resolve within the VPC only."
  value       = local.mongo_hosts
}

output "secret_arns" {
  description = "Secrets, by name. The TLS ones are empty until forecast mongo pki fills them."
  value = merge(
    { for user, arn in module.secrets.user_secret_arns : "user/${user}" => arn },
    { for name, arn in module.secrets.tls_secret_arns : "tls/${name}" => arn },
    { "replica-key" = module.secrets.replica_key_secret_arn },
  )
}

output "cluster_name" {
  description = "The ECS cluster, for forecast mongo roll and for running a task by hand."
  value       = module.mongodb.cluster_name
}

output "member_task_definition_arns" {
  description = "Newest task definition of each member; a service runs it once forecast mongo roll has rolled it."
  value       = module.mongodb.member_task_definition_arns
}

output "task_families" {
  description = "Task definition families by task: the pipeline's and the one-shot tools of the database, whose status is mongo-status."
  value = merge(
    { for tool, family in module.mongodb.tool_task_families : tool == "status" ? "mongo-status" : tool => family },
    module.pipeline.task_families,
    one(module.workers[*].task_families),
  )
}

output "run_task_network" {
  description = "What `aws ecs run-task --network-configuration` takes."
  value       = "awsvpcConfiguration={subnets=[${join(",", module.network.private_subnet_ids)}],securityGroups=[${module.mongodb.client_security_group_id}]}"
}

output "workers" {
  description = "For docs/runbooks/run-on-workers: how many workers it starts, and the network of the run; null where there are none."
  value = one([for workers in module.workers : {
    number  = var.workers
    network = "awsvpcConfiguration={subnets=[${join(",", module.network.private_subnet_ids)}],securityGroups=[${module.mongodb.client_security_group_id},${workers.security_group_id}]}"
  }])
}

output "alarm_topic_arns" {
  description = "Topics that alarms are published to, by severity: page, ticket."
  value       = module.observability.topic_arns
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

output "backup_vault_name" {
  description = "The vault that holds the snapshots of the members' volumes."
  value       = module.backup.vault_name
}

output "chain_arn" {
  description = "The state machine that does the day's work."
  value       = module.chain.state_machine_arn
}

output "chain_input" {
  description = "What an execution of it is started with, as JSON."
  value       = module.chain.input
}

output "ingest_secret_arn" {
  description = "Secret of the networks' keys, as JSON by the names of the settings; filled by the operator."
  value       = module.pipeline.ingest_secret_arn
}

output "airbyte_policy_arn" {
  description = "Policy with the rights that Airbyte's S3 destination needs; attach it to Airbyte's role or user."
  value       = module.pipeline.airbyte_policy_arn
}

output "site_url" {
  description = "Where the dashboard is, for those in site_users; null where there are none."
  value       = one(module.site[*].url)
}
