output "arn" {
  description = "The key for secrets, logs, volumes, the alarm topic and the backup vault."
  value       = aws_kms_key.this.arn
}
