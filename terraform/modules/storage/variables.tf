variable "name" {
  description = "Prefix of every name, for example forecast-prod. The account's id is appended, because bucket names are global."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "backup_lock_days" {
  description = "Days for which a dump cannot be deleted (object lock, governance mode)."
  type        = number

  validation {
    condition     = var.backup_lock_days >= 1 && var.backup_lock_days <= 365 && floor(var.backup_lock_days) == var.backup_lock_days
    error_message = "backup_lock_days must be a whole number from 1 to 365."
  }
}

variable "force_destroy" {
  description = "Whether terraform destroy may delete buckets that contain objects. Never true in production."
  type        = bool
}

variable "site_prefix" {
  description = "Prefix of the dashboard in the bucket of the processed zone, ending in a slash."
  type        = string
  default     = "site/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)+$", var.site_prefix))
    error_message = "site_prefix must end in a slash, such as site/."
  }
}

variable "site_distribution_arn" {
  description = "The CloudFront distribution that may read below it; null: none."
  type        = string
  default     = null

  validation {
    condition     = var.site_distribution_arn == null || can(regex("^arn:[a-z-]+:cloudfront::[0-9]{12}:distribution/", var.site_distribution_arn))
    error_message = "site_distribution_arn must be the ARN of a CloudFront distribution."
  }
}
