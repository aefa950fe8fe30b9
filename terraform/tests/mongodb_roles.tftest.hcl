# What ECS may do for a member.

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

run "a_member_reads_its_own_secrets" {
  module { source = "./modules/mongodb" }

  assert {
    condition = alltrue([
      for member, policy in aws_iam_role_policy.member_execution :
      one([for statement in jsondecode(policy.policy).Statement : statement.Resource if statement.Action == "secretsmanager:GetSecretValue"])
      == [var.replica_key_secret_arn, var.tls_secret_arns["ca"], var.tls_secret_arns[member]]
    ]) && length(aws_iam_role_policy.member_execution) == 3
    error_message = "The replica key, the authority and its own certificate; no password of a user, no other member's key."
  }
  assert {
    condition = alltrue([
      for policy in aws_iam_role_policy.member_execution :
      [for statement in jsondecode(policy.policy).Statement : statement.Action if statement.Resource == "*"] == ["ecr:GetAuthorizationToken"]
    ])
    error_message = "Only what has no resource to name is allowed for all."
  }
}

run "volumes_by_the_stacks_key" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.infrastructure.policy_arn, "/AmazonECSInfrastructureRolePolicyForVolumes")
    error_message = "ECS manages volumes by AWS's own policy."
  }
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.infrastructure_key.policy).Statement : statement.Condition if statement.Action == "kms:CreateGrant"] == [
      { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    ]
    error_message = "It may hand the key to volumes, and to nobody else."
  }
  assert {
    condition     = jsondecode(aws_iam_role.infrastructure.assume_role_policy).Statement[0].Principal == { Service = "ecs.amazonaws.com" }
    error_message = "ECS itself takes this role, no task."
  }
}
