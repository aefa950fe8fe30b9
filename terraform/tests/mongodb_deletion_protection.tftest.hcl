# In production Terraform does not remove the members.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                   = "forecast-test"
  kms_key_arn            = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-a", "subnet-b", "subnet-c"]
  domain                 = "forecast-test.internal"
  replica_set            = "forecast"
  mongo_image            = "registry/mongo@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
  mongo_repository_arn   = "arn:aws:ecr:eu-west-3:123456789012:repository/mongo"
  tools_image            = "registry/pipeline@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
  tools_repository_arn   = "arn:aws:ecr:eu-west-3:123456789012:repository/pipeline"
  replica_key_secret_arn = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:key"
  user_secret_arns = {
    root    = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:root"
    app     = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app"
    backup  = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:backup"
    monitor = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:monitor"
    roll    = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:roll"
  }
  tls_secret_arns = {
    ca      = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca"
    mongo-1 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-1"
    mongo-2 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-2"
    mongo-3 = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:tls-3"
  }
  ca_file             = "/run/mongo/ca.pem"
  backup_bucket       = "forecast-test-backup"
  max_dump_age_hours  = 26
  volume_size_gib     = 20
  log_retention_days  = 30
  deletion_protection = false
}

run "protected" {
  # Only planned: what was made could not be removed after the test.
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    deletion_protection = true
  }

  assert {
    condition     = length(terraform_data.deletion_protection) == 1
    error_message = "A plan that would remove the services is refused."
  }
}

run "free_to_go" {
  command = plan
  module { source = "./modules/mongodb" }

  assert {
    condition     = length(terraform_data.deletion_protection) == 0
    error_message = "A stack to try things on can be removed."
  }
}
