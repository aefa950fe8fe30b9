variable "name" {
  description = "Name of the schedule, for example forecast-prod-pipeline."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,60}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 62 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "description" {
  description = "Description of what it starts."
  type        = string

  validation {
    condition     = var.description != ""
    error_message = "description must say what the schedule starts."
  }
}

variable "task" {
  description = "The task that it runs: cluster, definition, the roles that it passes to ECS, private subnets (one per zone), security group."
  type = object({
    cluster_arn       = string
    definition_arn    = string
    passed_role_arns  = list(string)
    subnet_ids        = list(string)
    security_group_id = string
  })
  default = null

  validation {
    condition     = var.task == null || can(regex("^arn:[a-z-]+:ecs:", var.task.cluster_arn))
    error_message = "task.cluster_arn must be the ARN of an ECS cluster."
  }

  validation {
    condition     = var.task == null || can(regex("^arn:[a-z-]+:ecs:.*:task-definition/.+:[0-9]+$", var.task.definition_arn))
    error_message = "task.definition_arn must be the ARN of a task definition's revision."
  }

  validation {
    condition     = var.task == null || try(length(var.task.passed_role_arns) > 0, false)
    error_message = "task.passed_role_arns must name the roles of the task."
  }

  validation {
    condition     = var.task == null || try(length(var.task.subnet_ids) == 3 && length(distinct(var.task.subnet_ids)) == 3, false)
    error_message = "task.subnet_ids must be three different subnets, one in each zone."
  }

  validation {
    condition     = var.task == null || try(var.task.security_group_id != "", false)
    error_message = "task.security_group_id must be the id of a security group."
  }
}

variable "state_machine" {
  description = "The state machine that it starts instead of a task."
  type        = object({ arn = string })
  default     = null

  validation {
    condition     = (var.state_machine == null) != (var.task == null)
    error_message = "Give either task or state_machine."
  }
}

variable "input" {
  description = "The input, as JSON: overrides of a task, the input of an execution; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.input == null || can(jsondecode(var.input))
    error_message = "input must be JSON, or null."
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

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary for all roles created here; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
