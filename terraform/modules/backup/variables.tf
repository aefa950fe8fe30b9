variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the vault."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "volume_tag" {
  description = "Tag of the volumes to back up."
  type        = object({ key = string, value = string })

  validation {
    condition     = var.volume_tag.key != "" && var.volume_tag.value != ""
    error_message = "volume_tag must have a key and a value: without them the plan would find no volume."
  }
}

variable "retention_days" {
  description = "How long a snapshot is kept, in days."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 365 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1 to 365."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy may delete a vault that contains snapshots. Never true in production."
  type        = bool
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

variable "schedule_expression" {
  description = "When snapshots are taken: a cron() expression of AWS Backup."
  type        = string
  default     = "cron(30 7 * * ? *)"

  validation {
    condition     = can(regex("^cron\\([^)]+\\)$", var.schedule_expression))
    error_message = "schedule_expression must be cron(…), such as cron(30 7 * * ? *)."
  }
}

variable "restore_test_schedule_expression" {
  description = "When a restore is tested: a cron() expression of AWS Backup."
  type        = string
  default     = "cron(0 9 ? * SUN *)"

  validation {
    condition     = can(regex("^cron\\([^)]+\\)$", var.restore_test_schedule_expression))
    error_message = "restore_test_schedule_expression must be cron(…), such as cron(0 9 ? * SUN *)."
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
