variable "server_url" {
  description = "Airbyte's public API. By default that of abctl; https://api.airbyte.com/v1 is Airbyte Cloud's."
  type        = string
  default     = "http://localhost:8000/api/public/v1"
}

variable "client_id" {
  description = "Client id of an application in Airbyte."
  type        = string
  sensitive   = true
}

variable "client_secret" {
  description = "Its client secret."
  type        = string
  sensitive   = true
}

variable "workspace_id" {
  description = "The workspace."
  type        = string
}

variable "sources" {
  description = "The sources by the name of their manifest: stations, first day (UTC, YYYY-MM-DD)."
  type = map(object({
    stations   = list(string)
    start_date = string
  }))

  validation {
    condition     = alltrue([for name in keys(var.sources) : fileexists("${path.module}/../manifests/${name}.json")])
    error_message = "Each source needs a manifest of its name in airbyte/manifests."
  }
}

variable "keys" {
  description = "Your own key of each network that asks for one, by the name of its source."
  type        = map(string)
  sensitive   = true
}

variable "bucket" {
  description = "The bucket of the raw zone, the prefix in it (without slashes around), and its region."
  type = object({
    name   = string
    prefix = string
    region = string
  })
}

variable "s3_destination_definition_id" {
  description = "Id of the S3 destination's definition, as Airbyte's settings show it."
  type        = string
  default     = "4816b78f-1489-44c1-9060-4b19d5fa9362"
}

variable "aws_keys" {
  description = "A key of AWS for Airbyte, where its server has no role of its own."
  type = object({
    access_key_id     = string
    secret_access_key = string
  })
  default   = null
  sensitive = true
}

variable "cron" {
  description = "When to sync, as Airbyte's cron has it (Quartz)."
  type        = string
  default     = "0 10 * * * ? UTC"
}
