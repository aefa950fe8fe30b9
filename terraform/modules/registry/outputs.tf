output "repository_urls" {
  description = "Where images are pushed to and pulled from, by image: mongo, pipeline."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.repository_url }
}

output "repository_arns" {
  description = "The repositories, by image: mongo, pipeline."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.arn }
}
