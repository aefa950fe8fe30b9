# Drawn here, written to Secrets Manager, and kept nowhere else: ephemeral values and write-only arguments leave
# nothing in the plan or the state. Every run draws anew, but a value is written only when secrets_version rises.

locals {
  users = toset(["root", "app", "backup", "monitor", "roll"])

  options = "replicaSet=${var.replica_set}&tls=true&tlsCAFile=${var.ca_file}&authSource=admin"
}

# Letters and digits only: they need no escaping in a connection string. 40 of them are 238 bits.
ephemeral "aws_secretsmanager_random_password" "user" {
  for_each = local.users

  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "user" {
  for_each = local.users

  name                    = "${var.name}/mongodb/user/${each.key}"
  description             = "Database user ${each.key}: username, password and connection string, as JSON."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

# Password and connection string in one secret, so that one write changes both.
resource "aws_secretsmanager_secret_version" "user" {
  for_each = local.users

  secret_id                = aws_secretsmanager_secret.user[each.key].id
  secret_string_wo_version = var.secrets_version
  secret_string_wo = jsonencode({
    username = each.key
    password = ephemeral.aws_secretsmanager_random_password.user[each.key].random_password
    uri = join("", [
      "mongodb://${each.key}:${ephemeral.aws_secretsmanager_random_password.user[each.key].random_password}",
      "@${join(",", var.mongodb_hosts)}/?${local.options}",
    ])
  })
}

# MongoDB takes 6 to 1024 characters of the base64 alphabet. Its version is fixed: a member with another key than the
# rest cannot join, so this key never changes by an apply; the runbook on rotation has the order.
ephemeral "aws_secretsmanager_random_password" "replica_key" {
  password_length     = 756
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "replica_key" {
  name                    = "${var.name}/mongodb/replica-key"
  description             = "The key with which the members of the replica set authenticate to each other."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}

resource "aws_secretsmanager_secret_version" "replica_key" {
  secret_id                = aws_secretsmanager_secret.replica_key.id
  secret_string_wo_version = 1
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.replica_key.random_password
}

# Filled by the operator, from a private authority whose key never comes here.
resource "aws_secretsmanager_secret" "tls" {
  for_each = toset(["ca", "mongo-1", "mongo-2", "mongo-3"])

  name                    = "${var.name}/mongodb/tls/${each.key}"
  description             = each.key == "ca" ? "Certificate of the private authority, PEM." : "Certificate and key of ${each.key}, one PEM."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_window_days
}
