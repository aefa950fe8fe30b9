locals {
  images = toset(["mongo", "pipeline"])
}

resource "aws_ecr_repository" "this" {
  for_each = local.images

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  # Images are built again from the source; without it a stack that ever had one could not be destroyed.
  force_delete = var.force_destroy

  image_scanning_configuration {
    scan_on_push = true
  }
}

# Tagged images stay: a task definition may name any of them.
resource "aws_ecr_lifecycle_policy" "this" {
  for_each = local.images

  repository = aws_ecr_repository.this[each.key].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Untagged images go after 14 days"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}
