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

variable "cpu_architecture" {
  description = "X86_64 or ARM64 (Graviton, about a fifth cheaper). The images must be built for it."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture must be X86_64 or ARM64."
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

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary for all roles created here; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
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

variable "domain" {
  description = "Private DNS domain of the members: mongo-1.<domain>."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain))
    error_message = "domain must be a DNS name of at least two parts, such as forecast-prod.internal."
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

variable "uri_secret_arn" {
  description = "Secret of the database user app: JSON with the connection string as uri."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.uri_secret_arn))
    error_message = "uri_secret_arn must be the ARN of a secret."
  }
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be restored; 0: not at all."
  type        = number

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0 or 7 to 30."
  }
}

variable "client_security_group_id" {
  description = "Security group that may connect to MongoDB."
  type        = string

  validation {
    condition     = var.client_security_group_id != ""
    error_message = "client_security_group_id must be the id of a security group."
  }
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]+$", var.cluster_name))
    error_message = "cluster_name must be the name of a cluster, not its ARN."
  }
}

variable "namespace_id" {
  description = "Private DNS namespace in which the scheduler gets its name."
  type        = string

  validation {
    condition     = var.namespace_id != ""
    error_message = "namespace_id must be the id of a namespace of Cloud Map."
  }
}

variable "run" {
  description = "The run as the pipeline's task has it: size, environment, and what it may do. A worker does the same work."
  type = object({
    cpu         = number
    memory      = number
    environment = map(string)
    statements  = any
  })

  validation {
    condition     = length(var.run.statements) > 0
    error_message = "run.statements must say what a run may do."
  }
}

variable "worker" {
  description = "A worker: CPU units, MiB of memory, and whether it may be one that AWS takes back when it needs it (Fargate Spot, about a third of the price)."
  type = object({
    cpu    = optional(number, 1024)
    memory = optional(number, 4096)
    spot   = optional(bool, true)
  })
  default = {}

  validation {
    condition     = contains([512, 1024, 2048], var.worker.cpu)
    error_message = "worker.cpu must be 512, 1024 or 2048: a worker has one thread."
  }
}
