provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = var.project
      Environment = var.environment
      # By which the budget finds what the stack costs.
      Stack     = local.name
      ManagedBy = "terraform"
    }
  }
}
