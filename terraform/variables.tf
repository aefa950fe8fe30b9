variable "region" {
  description = "AWS region, for example eu-west-3."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be an AWS region, such as eu-west-3."
  }
}

variable "project" {
  description = "First part of every name."
  type        = string
  default     = "forecast"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.project))
    error_message = "project must be 3 to 15 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "environment" {
  description = "Second part of every name: dev, prod. In prod, Terraform cannot destroy anything that contains data."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment must be dev or prod."
  }
}

variable "vpc_cidr" {
  description = "IPv4 range of the VPC, from /16 to /24."
  type        = string

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 24, false)
    error_message = "vpc_cidr must be an IPv4 range between /16 and /24, such as 10.20.0.0/16."
  }
}

variable "availability_zones" {
  description = "Three different zones of the region; one member of the replica set runs in each."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) == 3 && length(distinct(var.availability_zones)) == 3
    error_message = "availability_zones must name three different zones."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "availability_zones must be zones of the region, such as eu-west-3a."
  }
}

variable "nat_mode" {
  description = "How tasks reach AWS: single (one NAT gateway), per_zone (one in each zone), none (no internet; interface endpoints instead)."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["single", "per_zone", "none"], var.nat_mode)
    error_message = "nat_mode must be single, per_zone or none."
  }
}

variable "mongo_image_digest" {
  description = "Digest of the MongoDB image in the repository that this configuration creates: sha256:…, as printed by the push."
  type        = string

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.mongo_image_digest))
    error_message = "mongo_image_digest must be sha256: and 64 hexadecimal digits; a tag would not tell which image runs."
  }
}

variable "pipeline_image_digest" {
  description = "Digest of the pipeline's image in the repository that this configuration creates: sha256:…, as printed by the push."
  type        = string

  validation {
    condition     = can(regex("^sha256:[0-9a-f]{64}$", var.pipeline_image_digest))
    error_message = "pipeline_image_digest must be sha256: and 64 hexadecimal digits; a tag would not tell which image runs."
  }
}

variable "member_cpu" {
  description = "CPU units of a member of the replica set (1024 is one vCPU); MongoDB recommends two cores. A change applies to a member when forecast mongo roll replaces it."
  type        = number
  default     = 2048

  validation {
    condition     = contains([512, 1024, 2048, 4096], var.member_cpu)
    error_message = "member_cpu must be 512, 1024, 2048 or 4096."
  }
}

variable "member_memory" {
  description = "Memory of a member in MiB; half of what exceeds 1 GiB becomes WiredTiger's cache. A change applies like that of member_cpu."
  type        = number
  default     = 4096

  validation {
    condition     = var.member_memory % 1024 == 0 && var.member_memory >= 2 * var.member_cpu && var.member_memory <= min(8 * var.member_cpu, 30720)
    error_message = "member_memory must be a whole number of GiB, 2 to 8 GiB for each vCPU: the sizes that Fargate has."
  }
}

variable "volume_size_gib" {
  description = "Size of a member's volume in GiB. A change applies to a member when forecast mongo roll replaces it."
  type        = number
  default     = 50

  validation {
    condition     = var.volume_size_gib >= 10 && var.volume_size_gib <= 16384 && floor(var.volume_size_gib) == var.volume_size_gib
    error_message = "volume_size_gib must be a whole number from 10 to 16384."
  }
}

variable "schedule_timezone" {
  description = "IANA time zone of all schedules."
  type        = string
  default     = "Europe/Paris"

  validation {
    condition     = can(regex("^([A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+)+|UTC)$", var.schedule_timezone))
    error_message = "schedule_timezone must be an IANA time zone, such as Europe/Paris."
  }
}

variable "alarm_emails" {
  description = "Email addresses by severity: page (act immediately), ticket (next working day). Each address must confirm its subscription once."
  type        = object({ page = list(string), ticket = list(string) })

  validation {
    condition     = alltrue([for addresses in var.alarm_emails : length(addresses) > 0 && alltrue([for address in addresses : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])])
    error_message = "alarm_emails must hold at least one e-mail address for page and one for ticket: an alarm that nobody hears is none."
  }
}

variable "max_data_age_hours" {
  description = "A station whose newest observation is older is silent, and raises an alarm. The default is the daily schedule plus twelve hours."
  type        = number
  default     = 36

  validation {
    condition     = var.max_data_age_hours > 0
    error_message = "max_data_age_hours must be above 0."
  }
}

variable "monthly_budget_usd" {
  description = "Monthly budget for the stack, in USD. Actual or forecast costs above it cause an email. docs/cost.md has an estimate."
  type        = number
  default     = 550

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "monthly_budget_usd must be above 0."
  }
}

variable "secrets_version" {
  description = "Increment it to generate new passwords at the next apply; the runbook on rotating secrets describes the further steps."
  type        = number
  default     = 1

  validation {
    condition     = var.secrets_version >= 1 && floor(var.secrets_version) == var.secrets_version
    error_message = "secrets_version must be a whole number from 1."
  }
}

variable "chain" {
  description = "The chain of daily steps: its schedule (cron or rate), the hours between two executions, whether it ingests from the networks' APIs (otherwise Airbyte fills the raw zone), and the arguments and time limit in hours of each step."
  type = object({
    schedule      = optional(string, "cron(15 5 * * ? *)")
    hours_between = optional(number, 24)
    ingest        = optional(bool, false)
    arguments     = optional(map(list(string)), {})
    hours         = optional(map(number), {})
  })
  default = {}

  validation {
    condition     = can(regex("^(cron\\([^)]+\\)|rate\\([1-9][0-9]* (minutes?|hours?|days?)\\))$", var.chain.schedule))
    error_message = "chain.schedule must be cron(...) or rate(...), such as cron(15 5 * * ? *)."
  }

  validation {
    condition     = var.chain.hours_between >= 1 && var.chain.hours_between <= 166 && floor(var.chain.hours_between) == var.chain.hours_between
    error_message = "chain.hours_between must be a whole number from 1 to 166: an alarm looks back a week at most."
  }

  validation {
    condition     = length(setsubtract(concat(keys(var.chain.arguments), keys(var.chain.hours)), ["ingest", "pipeline", "latency", "dump", "dashboard"])) == 0
    error_message = "The chain's steps are ingest, pipeline, latency, dump and dashboard."
  }
}

variable "ingest_keys" {
  description = "Names of the networks' key settings that the secret PROJECT-ENVIRONMENT/ingest contains, such as WUNDERGROUND_API_KEY."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for key in var.ingest_keys : can(regex("^[A-Z][A-Z0-9_]+(_KEY|_TOKEN)$", key))])
    error_message = "ingest_keys must be names of settings that end in _KEY or _TOKEN."
  }
}

variable "stations_prefix" {
  description = "Prefix of the raw bucket, ending in a slash, whose .json and .csv files add stations to the built-in ones or replace them. It must hold a file before it is set. Empty: only the built-in ones."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9][A-Za-z0-9_.-]*/)*$", var.stations_prefix))
    error_message = "stations_prefix must be empty or end in a slash, such as stations/."
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

variable "site_users" {
  description = "Users of the dashboard: for each name, the SHA-256 of name:password in hexadecimal. If empty, the dashboard is not published."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for hash in values(var.site_users) : can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "site_users must have 64 hexadecimal digits each: printf 'NAME:%s' \"$password\" | sha256sum."
  }
}

variable "workers" {
  description = "How many Dask workers docs/runbooks/run-on-workers starts for a run, where it is not told; 0: none can be started, and nothing is made for them."
  type        = number
  default     = 0

  validation {
    condition     = var.workers >= 0 && var.workers <= 100 && floor(var.workers) == var.workers
    error_message = "workers must be a whole number from 0 to 100."
  }
}

variable "worker" {
  description = "A worker: CPU units, MiB of memory, and whether it runs on Fargate Spot."
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
  description = "ARN of the permissions boundary for all roles created here, which the delivery stack creates; null if there is no such stack."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}
