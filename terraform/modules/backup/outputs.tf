output "vault_name" {
  description = "The vault that holds the snapshots."
  value       = aws_backup_vault.this.name
}
