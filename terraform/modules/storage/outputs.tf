output "bucket_names" {
  description = "Names of the buckets, by zone: raw, processed, backup."
  value       = { for zone, bucket in aws_s3_bucket.this : zone => bucket.bucket }
}

output "bucket_arns" {
  description = "ARNs of the buckets, by zone: raw, processed, backup."
  value       = { for zone, bucket in aws_s3_bucket.this : zone => bucket.arn }
}
