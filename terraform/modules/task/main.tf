# One program of the pipeline's image as a Fargate task that runs once and ends.
#
# Two containers: `prepare` puts the authority's certificate where the connection strings look for it and lets a user
# that is not root write to /tmp (Fargate gives empty volumes to root alone), then the program starts.

data "aws_region" "current" {}

locals {
  family = "${var.name}-${var.task}"

  log_configuration = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = var.log_group_name
      awslogs-region        = data.aws_region.current.name
      awslogs-stream-prefix = var.task
      # A log that cannot be delivered must not stop what is logged.
      mode            = "non-blocking"
      max-buffer-size = "25m"
    }
  }

  # The region by the name that boto3 reads: what Fargate sets by itself is not promised anywhere.
  environment = { LOG_FORMAT = "json", AWS_DEFAULT_REGION = data.aws_region.current.name }

  mounts = [
    { sourceVolume = "tmp", containerPath = "/tmp", readOnly = false },
    { sourceVolume = "ca", containerPath = dirname(var.ca_file), readOnly = false },
  ]

  certificate = var.certificate_secret_arn[*]

  # What `prepare` writes, by variable. The key is read by the user of the program, and no other container has the volume.
  files = merge(
    { MONGO_TLS_CA = { path = var.ca_file, secret_arn = var.ca_secret_arn } },
    { for arn in local.certificate : "TLS_CERTIFICATE" => { path = var.certificate_file, secret_arn = arn } },
  )

  # One key of a JSON secret is named behind its ARN; permission is given for the secret.
  secret_arns = distinct([for reference in concat(values(var.secrets), [var.ca_secret_arn], local.certificate) : join(":", slice(split(":", reference), 0, 7))])
}

resource "aws_ecs_task_definition" "this" {
  family                   = local.family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  # The revision before can still be started (docs/runbooks/roll-back.md); ECS starts none that was deregistered.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  volume {
    name = "tmp"
  }

  volume {
    name = "ca"
  }

  container_definitions = jsonencode([
    {
      name       = "prepare"
      image      = var.image
      essential  = false
      entryPoint = ["sh", "-c"]
      command    = [join(" && ", concat(["chmod 1777 /tmp"], [for name, file in local.files : format("printf '%%s\\n' \"$%s\" > %s && chmod 0444 %s", name, file.path, file.path)]))]
      # The volumes belong to root; it keeps no privilege but to own them.
      user                   = "0:0"
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      secrets                = [for name, file in local.files : { name = name, valueFrom = file.secret_arn }]
      mountPoints            = local.mounts
      logConfiguration       = local.log_configuration
    },
    {
      name                   = var.task
      image                  = var.image
      essential              = true
      dependsOn              = [{ containerName = "prepare", condition = "SUCCESS" }]
      entryPoint             = var.entry_point
      command                = var.arguments
      user                   = "10001:10001"
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      # Time to finish what is in flight after SIGTERM; the most that Fargate gives.
      stopTimeout = 120
      environment = [for name, value in merge(local.environment, var.environment) : { name = name, value = value }]
      secrets     = [for name, reference in var.secrets : { name = name, valueFrom = reference }]
      mountPoints = [for mount in local.mounts : merge(mount, { readOnly = mount.sourceVolume == "ca" })]

      logConfiguration = local.log_configuration
    },
  ])
}
