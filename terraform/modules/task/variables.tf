variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "image" {
  description = "The pipeline's image, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must end in @sha256: and 64 hexadecimal digits; a tag would not tell which image runs."
  }
}

variable "task" {
  description = "Suffix of the task's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.task))
    error_message = "task must be 2 to 31 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "entry_point" {
  description = "Program of the image, with its subcommand where it has one."
  type        = list(string)

  validation {
    condition     = length(var.entry_point) > 0
    error_message = "entry_point must name a program."
  }
}

variable "arguments" {
  description = "Default arguments of the program; RunTask can override them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for argument in var.arguments : argument != ""])
    error_message = "arguments must not be empty strings."
  }
}

variable "cpu" {
  description = "CPU units (1024 is one vCPU)."
  type        = number
  default     = 512

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu must be 256, 512, 1024, 2048 or 4096."
  }
}

variable "memory" {
  description = "Memory in MiB."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= min(8 * var.cpu, 30720)
    error_message = "memory must be 2 to 8 GiB for each vCPU: the sizes that Fargate has."
  }
}

variable "environment" {
  description = "Environment variables that are not secret."
  type        = map(string)
  default     = {}

  validation {
    # The path of a file that holds one is none.
    condition     = alltrue([for name, value in var.environment : !can(regex("(?i)password|secret|token|key$", name)) || startswith(value, "/")])
    error_message = "environment must hold no secret; those belong into secrets."
  }
}

variable "secrets" {
  description = "Environment variables that are read when the task starts: ARN of a secret, or \"<ARN>:<key>::\" for one key of a JSON secret."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for reference in values(var.secrets) : can(regex("^arn:[a-z-]+:secretsmanager:", reference))])
    error_message = "secrets must be ARNs of secrets."
  }
}

variable "ca_secret_arn" {
  description = "Secret with the private CA's certificate, PEM."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.ca_secret_arn))
    error_message = "ca_secret_arn must be the ARN of a secret."
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

variable "certificate_secret_arn" {
  description = "Secret with a certificate and its key for the program, one PEM; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:", var.certificate_secret_arn))
    error_message = "certificate_secret_arn must be the ARN of a secret."
  }
}

variable "certificate_file" {
  description = "Path of that certificate in the containers; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_file == null || can(regex("^/run/mongo/[A-Za-z0-9._-]+$", var.certificate_file))
    error_message = "certificate_file must be a file in /run/mongo, where the tasks put it."
  }
}

variable "statements" {
  description = "What the task may do: IAM statements with Sid, Action and Resource, and Condition where it has one."
  type        = any

  validation {
    condition     = alltrue([for statement in var.statements : can(statement.Sid) && can(statement.Action) && can(statement.Resource)])
    error_message = "Each of statements must have Sid, Action and Resource."
  }
}

variable "log_group_name" {
  description = "Log group that the task writes to."
  type        = string

  validation {
    condition     = startswith(var.log_group_name, "/")
    error_message = "log_group_name must begin with a slash."
  }
}

variable "log_group_arn" {
  description = "ARN of the same log group."
  type        = string

  validation {
    condition     = var.log_group_arn != ""
    error_message = "log_group_arn must be the ARN of a log group."
  }
}

variable "repository_arn" {
  description = "The image's repository in ECR."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecr:", var.repository_arn))
    error_message = "repository_arn must be the ARN of an ECR repository."
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
