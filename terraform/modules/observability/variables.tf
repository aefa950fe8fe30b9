variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the topic; it lets CloudWatch and EventBridge use it."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "emails" {
  description = "Email addresses by severity: page (act immediately), ticket (next working day). Each address must confirm its subscription once."
  type        = object({ page = list(string), ticket = list(string) })

  validation {
    condition     = alltrue([for addresses in var.emails : length(addresses) > 0 && alltrue([for address in addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])])
    error_message = "emails must hold at least one e-mail address for page and one for ticket: an alarm that nobody hears is none."
  }
}

variable "hours_between_runs" {
  description = "Hours between scheduled runs; a run that is two hours late raises an alarm."
  type        = number

  validation {
    condition     = var.hours_between_runs >= 1 && var.hours_between_runs <= 166 && floor(var.hours_between_runs) == var.hours_between_runs
    error_message = "hours_between_runs must be a whole number from 1 to 166: an alarm looks back a week at most."
  }
}

variable "max_run_hours" {
  description = "Maximum duration of a run; a longer one raises an alarm."
  type        = number
  default     = 3

  validation {
    condition     = var.max_run_hours > 0
    error_message = "max_run_hours must be above 0."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly budget for the stack, in USD. Actual or forecast costs above it cause an email."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string

  validation {
    condition     = var.cluster_name != ""
    error_message = "cluster_name must be the name of an ECS cluster."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecs:", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "member_hosts" {
  description = "Members of the replica set as host:port, by ECS service: mongo-1, mongo-2, mongo-3."
  type        = map(string)

  validation {
    condition     = length(var.member_hosts) == 3
    error_message = "member_hosts must name the three members: a majority is counted of three."
  }
}

variable "log_group_names" {
  description = "Log groups from which metrics are derived: members, tools, pipeline."
  type        = map(string)

  validation {
    condition     = toset(keys(var.log_group_names)) == toset(["members", "tools", "pipeline"])
    error_message = "log_group_names must have the keys members, tools, pipeline."
  }
}

variable "chain_arn" {
  description = "State machine of the daily chain, whose failed executions raise an alarm."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:states:", var.chain_arn))
    error_message = "chain_arn must be the ARN of a state machine."
  }
}

variable "dead_letter_queue_names" {
  description = "Dead-letter queues of failed starts, by what should have been started."
  type        = map(string)

  validation {
    condition     = length(var.dead_letter_queue_names) > 0
    error_message = "dead_letter_queue_names must name the queue of each schedule."
  }
}

variable "task_families" {
  description = "Task definition families whose failures cause an email."
  type        = list(string)

  validation {
    condition     = length(var.task_families) > 0
    error_message = "task_families must name the tasks that run once."
  }
}

variable "backup_vault_name" {
  description = "Backup vault whose failed jobs cause an email."
  type        = string

  validation {
    condition     = var.backup_vault_name != ""
    error_message = "backup_vault_name must be the name of a backup vault."
  }
}
