# A Dask cluster for runs that are too much for one task: a scheduler and its workers as services of no task, until
# docs/runbooks/run-on-workers wants some, and the task of the run that hands its work to them.

locals {
  scheduler = "scheduler.${var.domain}"
  # Dask's own port of a scheduler, and the next one for workers.
  ports = { scheduler = 8786, worker = 8787 }

  # Certificate and key as one PEM; each side shows it to the other.
  certificate_file = "${dirname(var.ca_file)}/workers.pem"
  tls              = ["--tls-ca-file", var.ca_file, "--tls-cert", local.certificate_file, "--tls-key", local.certificate_file]
  address          = "tls://${local.scheduler}:${local.ports.scheduler}"

  tasks = {
    scheduler = {
      entry_point = ["dask", "scheduler"]
      arguments   = concat(["--protocol", "tls", "--port", tostring(local.ports.scheduler), "--no-dashboard"], local.tls)
      cpu         = 512
      memory      = 2048
      environment = {}
      secrets     = {}
      statements  = []
    }
    worker = {
      entry_point = ["dask", "worker"]
      # One thread, as the workers of `pipeline --workers` have. What the work takes is bounded by the program.
      arguments = concat(
        [local.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0", "--worker-port", tostring(local.ports.worker)],
        ["--local-directory", "/tmp", "--death-timeout", "600"], local.tls,
      )
      cpu         = var.worker.cpu
      memory      = var.worker.memory
      environment = var.run.environment
      secrets     = { MONGODB_URI = "${var.uri_secret_arn}:uri::" }
      statements  = var.run.statements
    }
    pipeline-workers = {
      entry_point = ["pipeline", "--scheduler", local.address]
      arguments   = []
      cpu         = var.run.cpu
      memory      = var.run.memory
      environment = merge(var.run.environment, {
        METRICS_NAMESPACE  = var.name
        SCHEDULER_TLS_CA   = var.ca_file
        SCHEDULER_TLS_CERT = local.certificate_file
        SCHEDULER_TLS_KEY  = local.certificate_file
      })
      secrets    = { MONGODB_URI = "${var.uri_secret_arn}:uri::" }
      statements = var.run.statements
    }
  }

  services = {
    scheduler = { provider = "FARGATE", registry = aws_service_discovery_service.scheduler.arn }
    # A worker that AWS takes back is replaced by the service, and what it had in hand is done by another.
    worker = { provider = var.worker.spot ? "FARGATE_SPOT" : "FARGATE", registry = null }
  }
}

# Filled by the operator, like those of the members (forecast mongo pki), by the same private authority.
resource "aws_secretsmanager_secret" "certificate" {
  name                    = "${var.name}/mongodb/tls/workers"
  description             = "Certificate and key of the Dask scheduler, its workers and the run, one PEM."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

module "task" {
  source   = "../task"
  for_each = local.tasks

  permissions_boundary_arn = var.permissions_boundary_arn

  name                   = var.name
  task                   = each.key
  image                  = var.image
  cpu_architecture       = var.cpu_architecture
  repository_arn         = var.repository_arn
  entry_point            = each.value.entry_point
  arguments              = each.value.arguments
  cpu                    = each.value.cpu
  memory                 = each.value.memory
  environment            = each.value.environment
  secrets                = each.value.secrets
  statements             = each.value.statements
  ca_secret_arn          = var.ca_secret_arn
  ca_file                = var.ca_file
  certificate_secret_arn = aws_secretsmanager_secret.certificate.arn
  certificate_file       = local.certificate_file
  kms_key_arn            = var.kms_key_arn
  log_group_name         = var.log_group_name
  log_group_arn          = var.log_group_arn
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = var.cluster_name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}

resource "aws_service_discovery_service" "scheduler" {
  name        = "scheduler"
  description = "The address of the Dask scheduler"

  dns_config {
    namespace_id   = var.namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }

  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_ecs_service" "this" {
  #checkov:skip=CKV_AWS_332:1.4.0 is the newest platform version, by which the members run as well.
  for_each = local.services

  name             = each.key
  cluster          = var.cluster_name
  task_definition  = module.task[each.key].arn
  platform_version = "1.4.0"
  # docs/runbooks/run-on-workers says how many, and takes them away again.
  desired_count = 0

  wait_for_steady_state   = false
  enable_execute_command  = false
  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  capacity_provider_strategy {
    capacity_provider = each.value.provider
    weight            = 1
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.client_security_group_id, aws_security_group.this.id]
    assign_public_ip = false
  }

  dynamic "service_registries" {
    for_each = each.value.registry[*]

    content {
      registry_arn = service_registries.value
    }
  }

  lifecycle {
    ignore_changes = [desired_count]
  }

  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-workers"
  description = "The Dask scheduler, its workers, and the run that they work for"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-workers" }
}

resource "aws_vpc_security_group_ingress_rule" "dask" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = aws_security_group.this.id
  description                  = "Dask from each other"
  ip_protocol                  = "tcp"
  from_port                    = local.ports.scheduler
  to_port                      = local.ports.worker
}

resource "aws_vpc_security_group_egress_rule" "dask" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = aws_security_group.this.id
  description                  = "Dask to each other"
  ip_protocol                  = "tcp"
  from_port                    = local.ports.scheduler
  to_port                      = local.ports.worker
}
