# Tasks that run once: init at the beginning, dump every night, status every hour, roll every month and before AWS retires
# tasks, recover and restore when they are needed.

locals {
  backup_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.backup_bucket}"

  dumps_uri = "s3://${var.backup_bucket}/dumps/"

  tools = {
    init = {
      environment = {
        MONGO_MEMBERS                = join(",", values(local.hosts))
        MONGO_REPLICA_SET            = var.replica_set
        MONGODB_DATABASE             = var.database
        MONGO_BOOTSTRAPPED_PARAMETER = aws_ssm_parameter.bootstrapped.name
      }
      secrets = merge(
        { MONGO_REPLICA_KEY = var.replica_key_secret_arn },
        { for user, arn in var.user_secret_arns : "MONGO_${upper(user)}_PASSWORD" => "${arn}:password::" },
      )
      statements = [{
        Sid      = "NoteThatTheSetExists"
        Action   = ["ssm:GetParameter", "ssm:PutParameter"]
        Resource = aws_ssm_parameter.bootstrapped.arn
      }]
    }

    # With the member to go on with as its argument.
    recover = {
      environment = {}
      secrets     = { MONGO_REPLICA_KEY = var.replica_key_secret_arn }
      statements  = []
    }

    dump = {
      environment = { BACKUP_URI = local.dumps_uri, MONGODB_DATABASE = var.database }
      secrets     = { MONGODB_URI = "${var.user_secret_arns["backup"]}:uri::" }
      statements = [{
        # Nothing else: a dump that is there can be neither read nor replaced nor deleted by this role.
        Sid      = "WriteDumps"
        Action   = ["s3:PutObject", "s3:AbortMultipartUpload"]
        Resource = "${local.backup_arn}/dumps/*"
      }]
    }

    # What the set says of itself, as metrics; its user can change nothing.
    status = {
      environment = { METRICS_NAMESPACE = var.name }
      secrets     = { MONGODB_URI = "${var.user_secret_arns["monitor"]}:uri::" }
      statements  = []
    }

    # The pipeline's user drops, makes and fills collections of its database, which is all that a restore does.
    restore = {
      environment = { BACKUP_URI = local.dumps_uri, MONGODB_DATABASE = var.database }
      secrets     = { MONGODB_URI = "${var.user_secret_arns["app"]}:uri::" }
      statements  = [local.list_dumps, local.read_dumps]
    }

    roll = {
      environment = { BACKUP_URI = local.dumps_uri, ECS_CLUSTER = aws_ecs_cluster.this.name, MAX_DUMP_AGE_HOURS = tostring(var.max_dump_age_hours) }
      secrets     = { MONGODB_URI = "${var.user_secret_arns["roll"]}:uri::" }
      statements = [
        # Whether there is a dump of today.
        local.list_dumps,
        {
          Sid      = "LookAtTheMembers"
          Action   = "ecs:DescribeServices"
          Resource = [for service in aws_ecs_service.member : service.id]
        },
        {
          # It has no resource to name.
          Sid      = "LookAtTheirDefinitions"
          Action   = "ecs:DescribeTaskDefinition"
          Resource = "*"
        },
        {
          Sid      = "RollTheMembers"
          Action   = "ecs:UpdateService"
          Resource = [for service in aws_ecs_service.member : service.id]
        },
        {
          Sid       = "HandTheirRolesOver"
          Action    = "iam:PassRole"
          Resource  = concat([for role in aws_iam_role.member_execution : role.arn], [for role in aws_iam_role.member : role.arn], [aws_iam_role.infrastructure.arn])
          Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "ecs.amazonaws.com"] } }
        },
      ]
    }
  }

  list_dumps = {
    Sid       = "ListDumps"
    Action    = "s3:ListBucket"
    Resource  = local.backup_arn
    Condition = { StringLike = { "s3:prefix" = "dumps/*" } }
  }

  read_dumps = {
    Sid      = "ReadDumps"
    Action   = "s3:GetObject"
    Resource = "${local.backup_arn}/dumps/*"
  }
}

module "tool" {
  source   = "../task"
  for_each = local.tools

  permissions_boundary_arn = var.permissions_boundary_arn

  name             = var.name
  task             = "mongo-${each.key}"
  image            = var.tools_image
  cpu_architecture = var.cpu_architecture
  repository_arn   = var.tools_repository_arn
  entry_point      = ["forecast", "mongo", each.key]
  environment      = each.value.environment
  secrets          = merge(each.value.secrets, { MONGO_TLS_CA = var.tls_secret_arns["ca"] })
  statements       = each.value.statements
  ca_secret_arn    = var.tls_secret_arns["ca"]
  ca_file          = var.ca_file
  kms_key_arn      = var.kms_key_arn
  log_group_name   = aws_cloudwatch_log_group.this["tools"].name
  log_group_arn    = aws_cloudwatch_log_group.this["tools"].arn
}

locals {
  schedules = {
    status = { expression = "rate(1 hour)", arguments = null }
    # Tasks that are never old are seldom retired, and what a roll needs is tried while nobody is in a hurry.
    roll = { expression = var.roll_schedule_expression, arguments = ["--again"] }
  }
}

module "schedule" {
  source   = "../schedule"
  for_each = local.schedules

  permissions_boundary_arn = var.permissions_boundary_arn

  name        = "${var.name}-mongo-${each.key}"
  description = "Runs mongo-${each.key}"
  task = {
    cluster_arn       = aws_ecs_cluster.this.arn
    definition_arn    = module.tool[each.key].arn
    passed_role_arns  = [module.tool[each.key].task_role_arn, module.tool[each.key].execution_role_arn]
    subnet_ids        = var.subnet_ids
    security_group_id = aws_security_group.client.id
  }
  input               = each.value.arguments == null ? null : jsonencode({ containerOverrides = [{ name = "mongo-${each.key}", command = each.value.arguments }] })
  schedule_expression = each.value.expression
  schedule_timezone   = var.schedule_timezone
}
