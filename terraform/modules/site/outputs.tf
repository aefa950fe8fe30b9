output "distribution_arn" {
  description = "The distribution, which the bucket's policy lets read."
  value       = aws_cloudfront_distribution.this.arn
}

output "url" {
  description = "Where the dashboard is."
  value       = "https://${aws_cloudfront_distribution.this.domain_name}/"
}
