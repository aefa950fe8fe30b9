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

variable "mongodb_hosts" {
  description = "Members of the replica set as host:port, for the connection strings."
  type        = list(string)

  validation {
    condition     = length(var.mongodb_hosts) == 3 && alltrue([for host in var.mongodb_hosts : can(regex("^[a-z0-9.-]+:[0-9]+$", host))])
    error_message = "mongodb_hosts must be three entries of the form host:port."
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

variable "ca_file" {
  description = "Path of the CA's certificate in the containers, used in the connection strings."
  type        = string

  validation {
    condition     = can(regex("^/[A-Za-z0-9/._-]+$", var.ca_file))
    error_message = "ca_file must be an absolute path."
  }
}

variable "secrets_version" {
  description = "Increment it to generate new passwords at the next apply; the runbook on rotating secrets describes the further steps."
  type        = number

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version must be a whole number from 1."
  }
}

variable "recovery_window_days" {
  description = "Days for which a deleted secret can be restored: 0 (deleted at once) or 7 to 30."
  type        = number

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days must be 0 or between 7 and 30."
  }
}
