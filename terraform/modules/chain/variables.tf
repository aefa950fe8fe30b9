variable "name" {
  description = "Name of the state machine, for example forecast-prod-chain."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 42 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "stack" {
  description = "Name of the stack, with which the families of the tasks begin."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.stack))
    error_message = "stack must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "steps" {
  description = "The steps, in order: for each a task definition, its roles, its arguments (none: those of the definition), its time limit, and whether the chain stops if it fails."
  type = list(object({
    name                = string
    task_definition_arn = string
    passed_role_arns    = list(string)
    arguments           = optional(list(string), [])
    hours               = number
    stops               = bool
  }))

  validation {
    condition     = length(var.steps) > 0 && length(distinct([for step in var.steps : step.name])) == length(var.steps)
    error_message = "steps must hold at least one step, and none twice."
  }

  validation {
    condition     = alltrue([for step in var.steps : step.hours > 0 && step.hours <= 20])
    error_message = "hours must be above 0 and at most 20: the chain of a day ends within it."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster that runs the tasks."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecs:", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one per zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3 && length(distinct(var.subnet_ids)) == 3
    error_message = "subnet_ids must be three different subnets, one in each zone."
  }
}

variable "security_group_id" {
  description = "Security group that may connect to MongoDB."
  type        = string

  validation {
    condition     = var.security_group_id != ""
    error_message = "security_group_id must be the id of a security group."
  }
}

variable "schedule_expression" {
  description = "When the chain starts: a cron() or rate() expression of EventBridge Scheduler."
  type        = string

  validation {
    condition     = can(regex("^(cron\\([^)]+\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.schedule_expression))
    error_message = "schedule_expression must be cron(…) or rate(…), such as cron(15 5 * * ? *)."
  }
}

variable "schedule_timezone" {
  description = "IANA time zone of the schedule."
  type        = string

  validation {
    condition     = can(regex("^([A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+|UTC)$", var.schedule_timezone))
    error_message = "schedule_timezone must be an IANA time zone, such as Europe/Paris."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the log."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "log_retention_days" {
  description = "How long the log is kept, in days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 400, 731], var.log_retention_days)
    error_message = "log_retention_days must be one of 7, 14, 30, 60, 90, 180, 365, 400, 731."
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
