variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts volumes, logs and secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string

  validation {
    condition     = var.vpc_id != ""
    error_message = "vpc_id must be the id of a VPC."
  }
}

variable "max_dump_age_hours" {
  description = "A roll does not begin where the newest dump is older: the hours between two dumps, and two for a late one."
  type        = number

  validation {
    condition     = var.max_dump_age_hours > 0
    error_message = "max_dump_age_hours must be above 0."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one per zone: mongo-1 runs in the first, mongo-2 in the second, mongo-3 in the third."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3 && length(distinct(var.subnet_ids)) == 3
    error_message = "subnet_ids must be three different subnets, one in each zone."
  }
}

variable "domain" {
  description = "Private DNS domain of the members: mongo-1.<domain>."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "domain must be a DNS name of at least two parts, such as forecast-prod.internal."
  }
}

variable "replica_set" {
  description = "Name of the replica set."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.replica_set))
    error_message = "replica_set must be lower-case letters, digits and hyphens."
  }
}

variable "database" {
  description = "Database that the user of the pipeline may write to."
  type        = string
  default     = "forecast_2_0"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,60}$", var.database))
    error_message = "database must be 1 to 60 letters, digits, hyphens and underscores."
  }
}

variable "mongo_image" {
  description = "The MongoDB image, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.mongo_image))
    error_message = "mongo_image must end in @sha256: and 64 hexadecimal digits; a tag would not tell which image runs."
  }
}

variable "tools_image" {
  description = "The image with the forecast mongo commands, by digest: that of the pipeline."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.tools_image))
    error_message = "tools_image must end in @sha256: and 64 hexadecimal digits; a tag would not tell which image runs."
  }
}

variable "member_cpu" {
  description = "CPU units of a member (1024 is one vCPU). MongoDB's production notes recommend at least two cores."
  type        = number
  default     = 2048

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.member_cpu)
    error_message = "member_cpu must be 512, 1024, 2048 or 4096."
  }
}

variable "member_memory" {
  description = "Memory of a member in MiB; half of what exceeds 1 GiB becomes WiredTiger's cache."
  type        = number
  default     = 4096

  validation {
    condition     = var.member_memory % 1024 == 0 && var.member_memory >= 2 * var.member_cpu && var.member_memory <= min(8 * var.member_cpu, 30720)
    error_message = "member_memory must be a whole number of GiB, 2 to 8 GiB for each vCPU: the sizes that Fargate has."
  }
}

variable "volume_size_gib" {
  description = "Size of a member's volume in GiB. A change applies to tasks that start after forecast mongo roll has set it."
  type        = number
  default     = 50

  validation {
    condition     = var.volume_size_gib >= 10 && var.volume_size_gib <= 16384 && floor(var.volume_size_gib) == var.volume_size_gib
    error_message = "volume_size_gib must be a whole number from 10 to 16384."
  }
}

variable "user_secret_arns" {
  description = "Secrets of the database users root, app, backup, monitor, roll: JSON with username, password, uri."
  type        = map(string)

  validation {
    condition     = toset(keys(var.user_secret_arns)) == toset(["root", "app", "backup", "monitor", "roll"])
    error_message = "user_secret_arns must have the keys root, app, backup, monitor, roll."
  }
}

variable "replica_key_secret_arn" {
  description = "Secret with the members' shared key."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.replica_key_secret_arn))
    error_message = "replica_key_secret_arn must be the ARN of a secret."
  }
}

variable "tls_secret_arns" {
  description = "Secrets for TLS: ca (the CA's certificate), mongo-1, mongo-2, mongo-3 (certificate and key as one PEM)."
  type        = map(string)

  validation {
    condition     = toset(keys(var.tls_secret_arns)) == toset(["ca", "mongo-1", "mongo-2", "mongo-3"])
    error_message = "tls_secret_arns must have the keys ca, mongo-1, mongo-2, mongo-3."
  }
}

variable "ca_file" {
  description = "Path of that certificate in the containers, as in the connection strings."
  type        = string

  validation {
    condition     = can(regex("^/run/mongo/[A-Za-z0-9._-]+$", var.ca_file))
    error_message = "ca_file must be a file in /run/mongo, where the tasks put it."
  }
}

variable "backup_bucket" {
  description = "Name of the bucket for the dumps, below dumps/."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.backup_bucket))
    error_message = "backup_bucket must be the name of a bucket."
  }
}

variable "schedule_timezone" {
  description = "IANA time zone of the schedules."
  type        = string
  default     = "Europe/Paris"

  validation {
    condition     = can(regex("^([A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+|UTC)$", var.schedule_timezone))
    error_message = "schedule_timezone must be an IANA time zone, such as Europe/Paris."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept, in days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 400, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of 7, 14, 30, 60, 90, 180, 365, 400, 731."
  }
}

variable "mongo_repository_arn" {
  description = "The MongoDB image's repository in ECR."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecr:", var.mongo_repository_arn))
    error_message = "mongo_repository_arn must be the ARN of an ECR repository."
  }
}

variable "tools_repository_arn" {
  description = "The tools image's repository in ECR."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecr:", var.tools_repository_arn))
    error_message = "tools_repository_arn must be the ARN of an ECR repository."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the services. True in production."
  type        = bool
}

variable "roll_schedule_expression" {
  description = "When every member gets a new task, one after another: a cron() or rate() expression of EventBridge Scheduler."
  type        = string
  # The first Tuesday of a month, by day.
  default = "cron(0 10 ? * 3#1 *)"

  validation {
    condition     = can(regex("^(cron\\([^)]+\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.roll_schedule_expression))
    error_message = "roll_schedule_expression must be cron(…) or rate(…), such as cron(0 10 ? * 3#1 *)."
  }
}

variable "cpu_architecture" {
  description = "X86_64 or ARM64 (Graviton, about a fifth cheaper). The images must be built for it."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary for all roles created here; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
