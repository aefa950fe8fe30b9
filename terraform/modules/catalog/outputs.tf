output "database" {
  description = "Name of the database in the Glue catalogue."
  value       = aws_glue_catalog_database.this.name
}

output "tables" {
  description = "Names of its tables."
  value       = keys(aws_glue_catalog_table.this)
}
