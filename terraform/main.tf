# The root only composes: every resource is in a module.

locals {
  name    = "${var.project}-${var.environment}"
  is_prod = var.environment == "prod"

  log_retention_days = local.is_prod ? 400 : 30

  # In the bucket of the processed zone.
  site_prefix = "site/"

  mongo_domain = "${local.name}.internal"
  mongo_hosts  = [for number in [1, 2, 3] : "mongo-${number}.${local.mongo_domain}:27017"]
  mongo_set    = "forecast"
  # The task definitions put the authority's certificate there; the connection strings name it.
  mongo_ca_file = "/run/mongo/ca.pem"

  # In this order. Nothing depends on the latency and the dashboard, and the run goes on with what is there where ingest fails.
  order = [
    for step in [
      { name = "ingest", hours = 2, stops = false },
      { name = "pipeline", hours = 6, stops = true },
      { name = "latency", hours = 1, stops = false },
      { name = "dump", hours = 6, stops = true },
      { name = "dashboard", hours = 1, stops = false },
    ] : step if step.name != "ingest" || var.chain.ingest
  ]
  steps = [
    for step in local.order : merge(step, merge(module.pipeline.steps, { dump = module.mongodb.dump_step })[step.name], {
      hours     = lookup(var.chain.hours, step.name, step.hours)
      arguments = lookup(var.chain.arguments, step.name, [])
    })
  ]

  images = {
    mongo    = "${module.registry.repository_urls["mongo"]}@${var.mongo_image_digest}"
    pipeline = "${module.registry.repository_urls["pipeline"]}@${var.pipeline_image_digest}"
  }
}

module "key" {
  source = "./modules/key"

  name = local.name
}

module "network" {
  source = "./modules/network"

  permissions_boundary_arn = var.permissions_boundary_arn

  name               = local.name
  vpc_cidr           = var.vpc_cidr
  availability_zones = var.availability_zones
  nat_mode           = var.nat_mode
  kms_key_arn        = module.key.arn
  log_retention_days = local.log_retention_days
}

module "storage" {
  source = "./modules/storage"

  name                  = local.name
  backup_lock_days      = local.is_prod ? 30 : 1
  force_destroy         = !local.is_prod
  site_prefix           = local.site_prefix
  site_distribution_arn = one(module.site[*].distribution_arn)
}

# Nobody can read the dashboard until somebody is named.
module "site" {
  source = "./modules/site"
  count  = length(var.site_users) > 0 ? 1 : 0

  name   = local.name
  bucket = module.storage.bucket_names["processed"]
  prefix = local.site_prefix
  users  = var.site_users
}

module "catalog" {
  source = "./modules/catalog"

  name   = local.name
  bucket = module.storage.bucket_names["processed"]
}

module "registry" {
  source = "./modules/registry"

  name          = local.name
  force_destroy = !local.is_prod
}

module "secrets" {
  source = "./modules/secrets"

  name                 = local.name
  kms_key_arn          = module.key.arn
  mongodb_hosts        = local.mongo_hosts
  replica_set          = local.mongo_set
  ca_file              = local.mongo_ca_file
  secrets_version      = var.secrets_version
  recovery_window_days = local.is_prod ? 30 : 0
}

module "mongodb" {
  source = "./modules/mongodb"

  permissions_boundary_arn = var.permissions_boundary_arn

  name                   = local.name
  kms_key_arn            = module.key.arn
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.private_subnet_ids
  domain                 = local.mongo_domain
  replica_set            = local.mongo_set
  mongo_image            = local.images.mongo
  mongo_repository_arn   = module.registry.repository_arns["mongo"]
  tools_image            = local.images.pipeline
  cpu_architecture       = var.cpu_architecture
  tools_repository_arn   = module.registry.repository_arns["pipeline"]
  member_cpu             = var.member_cpu
  member_memory          = var.member_memory
  volume_size_gib        = var.volume_size_gib
  user_secret_arns       = module.secrets.user_secret_arns
  replica_key_secret_arn = module.secrets.replica_key_secret_arn
  tls_secret_arns        = module.secrets.tls_secret_arns
  ca_file                = local.mongo_ca_file
  backup_bucket          = module.storage.bucket_names["backup"]
  max_dump_age_hours     = var.chain.hours_between + 2
  schedule_timezone      = var.schedule_timezone
  log_retention_days     = local.log_retention_days
  deletion_protection    = local.is_prod
}

module "pipeline" {
  source = "./modules/pipeline"

  permissions_boundary_arn = var.permissions_boundary_arn

  name                 = local.name
  kms_key_arn          = module.key.arn
  image                = local.images.pipeline
  cpu_architecture     = var.cpu_architecture
  repository_arn       = module.registry.repository_arns["pipeline"]
  raw_bucket           = module.storage.bucket_names["raw"]
  processed_bucket     = module.storage.bucket_names["processed"]
  site_prefix          = local.site_prefix
  uri_secret_arn       = module.secrets.user_secret_arns["app"]
  ca_secret_arn        = module.secrets.tls_secret_arns["ca"]
  ca_file              = local.mongo_ca_file
  max_data_age_hours   = var.max_data_age_hours
  ingest_keys          = var.ingest_keys
  stations_prefix      = var.stations_prefix
  latency_station_id   = var.latency_station_id
  recovery_window_days = local.is_prod ? 30 : 0
  log_retention_days   = local.log_retention_days
}

# For runs that one task is too little for; a daily one never is.
module "workers" {
  source = "./modules/workers"
  count  = var.workers > 0 ? 1 : 0

  permissions_boundary_arn = var.permissions_boundary_arn

  name                     = local.name
  kms_key_arn              = module.key.arn
  image                    = local.images.pipeline
  cpu_architecture         = var.cpu_architecture
  repository_arn           = module.registry.repository_arns["pipeline"]
  vpc_id                   = module.network.vpc_id
  subnet_ids               = module.network.private_subnet_ids
  client_security_group_id = module.mongodb.client_security_group_id
  cluster_name             = module.mongodb.cluster_name
  namespace_id             = module.mongodb.namespace_id
  domain                   = local.mongo_domain
  run                      = module.pipeline.run
  worker                   = var.worker
  uri_secret_arn           = module.secrets.user_secret_arns["app"]
  ca_secret_arn            = module.secrets.tls_secret_arns["ca"]
  ca_file                  = local.mongo_ca_file
  log_group_name           = module.pipeline.log_group_name
  log_group_arn            = module.pipeline.log_group_arn
  recovery_window_days     = local.is_prod ? 30 : 0
}

module "chain" {
  source = "./modules/chain"

  permissions_boundary_arn = var.permissions_boundary_arn

  name                = "${local.name}-chain"
  stack               = local.name
  steps               = local.steps
  cluster_arn         = module.mongodb.cluster_arn
  subnet_ids          = module.network.private_subnet_ids
  security_group_id   = module.mongodb.client_security_group_id
  schedule_expression = var.chain.schedule
  schedule_timezone   = var.schedule_timezone
  kms_key_arn         = module.key.arn
  log_retention_days  = local.log_retention_days
}

module "backup" {
  source = "./modules/backup"

  permissions_boundary_arn = var.permissions_boundary_arn

  name              = local.name
  kms_key_arn       = module.key.arn
  volume_tag        = module.mongodb.volume_tag
  retention_days    = local.is_prod ? 35 : 7
  force_destroy     = !local.is_prod
  schedule_timezone = var.schedule_timezone
}

module "observability" {
  source = "./modules/observability"

  name               = local.name
  kms_key_arn        = module.key.arn
  emails             = var.alarm_emails
  hours_between_runs = var.chain.hours_between
  chain_arn          = module.chain.state_machine_arn
  monthly_budget_usd = var.monthly_budget_usd
  cluster_name       = module.mongodb.cluster_name
  cluster_arn        = module.mongodb.cluster_arn
  member_hosts       = module.mongodb.member_hosts
  log_group_names    = merge(module.mongodb.log_group_names, { pipeline = module.pipeline.log_group_name })
  task_families = concat(
    # The status ends with 3 every hour where something needs attention, of which its metrics tell once.
    [for tool, family in module.mongodb.tool_task_families : family if tool != "status"],
    values(module.pipeline.task_families),
    flatten([for workers in module.workers : values(workers.task_families)]),
  )
  backup_vault_name = module.backup.vault_name

  dead_letter_queue_names = merge(
    { chain = module.chain.dead_letter_queue_name },
    module.mongodb.dead_letter_queue_names,
  )
}
