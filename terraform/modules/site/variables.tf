variable "name" {
  description = "Prefix of every name, for example forecast-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 30 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "bucket" {
  description = "Name of the bucket that the site is in."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "bucket must be the name of a bucket."
  }
}

variable "prefix" {
  description = "Prefix in that bucket, ending in a slash."
  type        = string

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)+$", var.prefix))
    error_message = "prefix must end in a slash, such as site/."
  }
}

variable "users" {
  description = "Users: for each name, the SHA-256 of name:password in hexadecimal."
  type        = map(string)

  validation {
    condition     = length(var.users) > 0 && alltrue([for hash in values(var.users) : can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "users must have an entry, each with 64 hexadecimal digits: printf 'NAME:%s' \"$password\" | sha256sum."
  }
}
