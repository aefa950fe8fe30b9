# A member's task.

resource "aws_ecs_task_definition" "member" {
  for_each = local.members

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.member_cpu
  memory                   = var.member_memory
  execution_role_arn       = aws_iam_role.member_execution[each.key].arn
  # It may read the member's own certificate, and nothing else in AWS.
  task_role_arn = aws_iam_role.member[each.key].arn

  # A service still runs an old revision until forecast mongo roll has been there.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name                = "data"
    configure_at_launch = true
  }

  # Secrets as files, on the task's own storage, which Fargate encrypts: mongod reads them, renew replaces one of them.
  volume {
    name = "run"
  }

  container_definitions = jsonencode([local.mongod[each.key], local.renew[each.key]])
}

locals {
  mongod = { for member, host in local.hosts : member => {
    name      = "mongod"
    image     = var.mongo_image
    essential = true

    # mongod steps down and ends by itself; 120 s is the most that Fargate gives.
    stopTimeout = 120
    # A crash is mended within the task, so that the disk stays.
    restartPolicy = { enabled = true, restartAttemptPeriod = 60 }
    # Only whether the process answers: ECS deletes the disk of a task that fails it. Ten minutes of silence do.
    healthCheck = {
      command     = ["CMD", "/usr/local/lib/forecast-mongo/liveness"]
      interval    = 60
      timeout     = 30
      retries     = 10
      startPeriod = 300
    }

    # The entrypoint owns the mount point as root and goes on as mongodb.
    readonlyRootFilesystem = true
    linuxParameters = {
      capabilities = {
        drop = ["AUDIT_WRITE", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETPCAP", "SYS_CHROOT"]
      }
    }
    # What MongoDB advises for production (reference manual, UNIX ulimit settings; TCP keepalive in its FAQ).
    ulimits        = [{ name = "nofile", softLimit = 64000, hardLimit = 64000 }]
    systemControls = [{ namespace = "net.ipv4.tcp_keepalive_time", value = "120" }]

    portMappings = [{ containerPort = local.port, hostPort = local.port, protocol = "tcp" }]
    mountPoints = [
      { sourceVolume = "data", containerPath = "/data/db", readOnly = false },
      { sourceVolume = "run", containerPath = "/run/mongo", readOnly = false },
    ]

    environment = [
      { name = "MONGO_MEMBER", value = host },
      { name = "MONGO_MEMBERS", value = join(",", values(local.hosts)) },
      { name = "MONGO_REPLICA_SET", value = var.replica_set },
      { name = "MONGO_CACHE_GB", value = tostring(local.cache_gib) },
    ]
    secrets = [
      { name = "MONGO_BOOTSTRAPPED", valueFrom = aws_ssm_parameter.bootstrapped.arn },
      { name = "MONGO_REPLICA_KEY", valueFrom = var.replica_key_secret_arn },
      { name = "MONGO_TLS_CERTIFICATE", valueFrom = var.tls_secret_arns[member] },
      { name = "MONGO_TLS_CA", valueFrom = var.tls_secret_arns["ca"] },
    ]

    logConfiguration = local.member_log[member]
  } }

  # Beside mongod: looks once an hour whether the member's secret has a new certificate, and brings it to mongod, which
  # goes on serving. What ends this one ends nothing else.
  renew = { for member, host in local.hosts : member => {
    name          = "renew"
    image         = var.tools_image
    essential     = false
    restartPolicy = { enabled = true, restartAttemptPeriod = 60 }
    dependsOn     = [{ containerName = "mongod", condition = "START" }]
    entryPoint    = ["forecast", "mongo", "renew"]
    command       = ["/run/mongo/server.pem", "--every-seconds", "3600"]
    # The user mongodb of the members' image, who owns the file.
    user                   = "999:999"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] }, tmpfs = [{ containerPath = "/tmp", size = 16 }] }
    mountPoints            = [{ sourceVolume = "run", containerPath = "/run/mongo", readOnly = false }]

    environment = [
      { name = "AWS_DEFAULT_REGION", value = data.aws_region.current.name },
      { name = "LOG_FORMAT", value = "json" },
      { name = "MONGO_MEMBER", value = host },
      { name = "MONGO_TLS_SECRET", value = var.tls_secret_arns[member] },
    ]
    secrets = [
      { name = "MONGO_REPLICA_KEY", valueFrom = var.replica_key_secret_arn },
      { name = "MONGO_TLS_CA", valueFrom = var.tls_secret_arns["ca"] },
    ]

    logConfiguration = local.member_log[member]
  } }

  member_log = { for member, _ in local.hosts : member => {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.this["members"].name
      awslogs-region        = data.aws_region.current.name
      awslogs-stream-prefix = member
      # A log that cannot be delivered must not stop the database.
      mode            = "non-blocking"
      max-buffer-size = "25m"
    }
  } }
}

# Whether the set was initiated: forecast mongo init writes true. Members read it at each start, so that every task that starts
# after that is fenced, whatever its revision.
resource "aws_ssm_parameter" "bootstrapped" {
  #checkov:skip=CKV2_AWS_34:The words true and false are no secret.
  name        = "/${var.name}/mongodb/bootstrapped"
  description = "Whether the replica set of ${var.name} was initiated: true or false. forecast mongo init sets it."
  type        = "String"
  value       = "false"

  lifecycle {
    ignore_changes = [value]
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["members", "tools"])

  name              = "/${var.name}/mongodb/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
