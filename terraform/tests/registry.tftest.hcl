# Images: what was pushed stays what it is.

mock_provider "aws" {}

variables {
  name          = "forecast-test"
  force_destroy = true
}

run "repositories" {
  module { source = "./modules/registry" }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.force_delete])
    error_message = "A stack to try things on goes with the images that were pushed to it."
  }
  assert {
    condition     = { for image, repository in aws_ecr_repository.this : image => repository.name } == { mongo = "forecast-test/mongo", pipeline = "forecast-test/pipeline" }
    error_message = "One repository an image."
  }
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE" && repository.image_scanning_configuration[0].scan_on_push])
    error_message = "A tag never changes its image, and every push is scanned."
  }
  assert {
    condition     = alltrue([for policy in aws_ecr_lifecycle_policy.this : [for rule in jsondecode(policy.policy).rules : rule.selection.tagStatus] == ["untagged"]])
    error_message = "Only untagged images ever go: a task definition may name any other."
  }
}
