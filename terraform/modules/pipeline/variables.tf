variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts logs and secrets."
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

variable "raw_bucket" {
  description = "Name of the bucket that Airbyte writes to."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.raw_bucket))
    error_message = "raw_bucket must be the name of a bucket."
  }
}

variable "raw_prefix" {
  description = "Prefix in that bucket: empty, or ending in a slash."
  type        = string
  default     = "airbyte-sync/"

  validation {
    condition     = can(regex("^([A-Za-z0-9!_.'()-]+/)*$", var.raw_prefix))
    error_message = "raw_prefix must be empty or end in a slash, such as airbyte-sync/."
  }
}

variable "stations_prefix" {
  description = "Prefix of the raw bucket, ending in a slash, whose .json and .csv files add stations to the built-in ones or replace them. Empty: only the built-in ones."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9][A-Za-z0-9_.-]*/)*$", var.stations_prefix))
    error_message = "stations_prefix must be empty or end in a slash, such as stations/."
  }

  validation {
    # Neither lies within the other: who writes observations could write stations, or every object would be read as stations.
    condition = var.stations_prefix == "" || alltrue([
      for other in [var.raw_prefix, local.ingest_state_prefix] : !startswith(var.stations_prefix, other) && !startswith(other, var.stations_prefix)
    ])
    error_message = "stations_prefix must be apart from raw_prefix and ingest-state/: neither may lie within the other."
  }
}

variable "processed_bucket" {
  description = "Name of the bucket of the processed zone."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.processed_bucket)) && var.processed_bucket != var.raw_bucket
    error_message = "processed_bucket must be the name of a bucket, and not that of the raw zone."
  }
}

variable "site_prefix" {
  description = "Prefix of the dashboard in that bucket, ending in a slash."
  type        = string
  default     = "site/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)+$", var.site_prefix))
    error_message = "site_prefix must end in a slash, such as site/."
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

variable "cpu" {
  description = "CPU units of a run (1024 is one vCPU)."
  type        = number
  default     = 1024

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.cpu)
    error_message = "cpu must be 512, 1024, 2048 or 4096."
  }
}

variable "memory" {
  description = "Memory of a run in MiB."
  type        = number
  default     = 2048

  validation {
    condition     = var.memory % 1024 == 0 && var.memory >= 2 * var.cpu && var.memory <= min(8 * var.cpu, 30720)
    error_message = "memory must be a whole number of GiB, 2 to 8 GiB for each vCPU: the sizes that Fargate has."
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

variable "repository_arn" {
  description = "The image's repository in ECR."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:ecr:", var.repository_arn))
    error_message = "repository_arn must be the ARN of an ECR repository."
  }
}

variable "max_data_age_hours" {
  description = "A station whose newest observation is older is silent, and raises an alarm. The default is the daily schedule plus twelve hours."
  type        = number

  validation {
    condition     = var.max_data_age_hours > 0
    error_message = "max_data_age_hours must be above 0."
  }
}

variable "latency_station_id" {
  description = "Station for the latency report, which queries its newest day. It must be sending; otherwise the query finds nothing."
  type        = string
  default     = "ILAMAD25"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.latency_station_id))
    error_message = "latency_station_id must be a station's id, such as ILAMAD25."
  }
}

variable "ingest_keys" {
  description = "Names of the networks' key settings that the secret of ingest contains, such as WUNDERGROUND_API_KEY."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.ingest_keys : can(regex("^[A-Z][A-Z0-9_]+(_KEY|_TOKEN)$", key))])
    error_message = "ingest_keys must be names of settings that end in _KEY or _TOKEN."
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
