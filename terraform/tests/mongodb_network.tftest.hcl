# Who reaches the members.

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

run "members_and_clients_only" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = { for who, rule in aws_vpc_security_group_ingress_rule.mongodb : who => rule.referenced_security_group_id } == { client = aws_security_group.client.id, member = aws_security_group.member.id }
    error_message = "Members take connections of members and of tasks that wear the clients' group, and of nobody else."
  }
  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.mongodb :
      rule.security_group_id == aws_security_group.member.id && rule.from_port == 27017 && rule.to_port == 27017 && rule.cidr_ipv4 == null
    ])
    error_message = "On MongoDB's port, and from no address range."
  }
  assert {
    condition = alltrue([
      for rule in concat(values(aws_vpc_security_group_egress_rule.mongodb), values(aws_vpc_security_group_egress_rule.https)) :
      contains([443, 27017], rule.from_port) && rule.from_port == rule.to_port
    ]) && length(aws_vpc_security_group_egress_rule.mongodb) + length(aws_vpc_security_group_egress_rule.https) == 4
    error_message = "Out they go to MongoDB and by HTTPS."
  }
  assert {
    condition     = output.client_security_group_id == aws_security_group.client.id && aws_security_group.client.id != aws_security_group.member.id
    error_message = "Clients are given the clients' group."
  }
}
