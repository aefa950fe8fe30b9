output "user_secret_arns" {
  description = "Secrets of the database users root, app, backup, monitor, roll: JSON with username, password, uri. In a task definition: \"$${arn}:uri::\"."
  value       = { for user, secret in aws_secretsmanager_secret.user : user => secret.arn }
}

output "replica_key_secret_arn" {
  description = "The key with which the members authenticate to each other: 756 base64 characters, plain text."
  value       = aws_secretsmanager_secret.replica_key.arn
}

output "tls_secret_arns" {
  description = "Containers for TLS, empty until the operator fills them: ca (the authority's certificate), mongo-1, mongo-2, mongo-3 (certificate and key as one PEM)."
  value       = { for name, secret in aws_secretsmanager_secret.tls : name => secret.arn }
}
