terraform {
  # 1.11 brought write-only arguments: no password enters the state.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # The settings come from `terraform init -backend-config=…`; see backend.hcl.example.
  backend "s3" {}
}
