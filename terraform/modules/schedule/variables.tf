variable "name" {
  description = "Name of the schedule, for instance forecast-prod-pipeline."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,60}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 62 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "cluster_arn" {
  description = "The ECS cluster that runs the task."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecs:", var.cluster_arn))
    error_message = "cluster_arn must be the ARN of an ECS cluster."
  }
}

variable "task_definition_arn" {
  description = "What runs."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecs:.*:task-definition/", var.task_definition_arn))
    error_message = "task_definition_arn must be the ARN of a task definition."
  }
}

variable "passed_role_arns" {
  description = "The task's roles, which the schedule hands to ECS."
  type        = list(string)

  validation {
    condition     = length(var.passed_role_arns) > 0
    error_message = "passed_role_arns must name the roles of the task."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one a zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3 && length(distinct(var.subnet_ids)) == 3
    error_message = "subnet_ids must be three different subnets, one in each zone."
  }
}

variable "security_group_id" {
  description = "Security group of the task."
  type        = string

  validation {
    condition     = var.security_group_id != ""
    error_message = "security_group_id must be the id of a security group."
  }
}

variable "schedule_expression" {
  description = "When it runs: a cron() or rate() expression of EventBridge Scheduler."
  type        = string

  validation {
    condition     = can(regex("^(cron\\([^)]+\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.schedule_expression))
    error_message = "schedule_expression must be cron(…) or rate(…), such as cron(15 5 * * ? *)."
  }
}

variable "schedule_timezone" {
  description = "IANA time zone of the schedule."
  type        = string
  default     = "Europe/Paris"

  validation {
    condition     = can(regex("^([A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+|UTC)$", var.schedule_timezone))
    error_message = "schedule_timezone must be an IANA time zone, such as Europe/Paris."
  }
}

variable "stack" {
  description = "Name of the stack, with which the name of the task definition's family begins."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.stack))
    error_message = "stack must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "arguments" {
  description = "Arguments of the program in place of its task definition's; null leaves them."
  type        = list(string)
  default     = null

  validation {
    condition     = var.arguments == null || length(coalesce(var.arguments, [])) > 0
    error_message = "arguments must hold at least one, or be null."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that no role made here may go beyond; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
