# An apply with another image, size or network restarts no member.

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

run "first" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = alltrue([for service in aws_ecs_service.member : one(one(service.volume_configuration).managed_ebs_volume).size_in_gb == 20])
    error_message = "A new service is made as asked for."
  }
}

run "another_image_volume_and_network" {
  module { source = "./modules/mongodb" }

  variables {
    mongo_image     = "registry/mongo@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    volume_size_gib = 100
    subnet_ids      = ["subnet-d", "subnet-e", "subnet-f"]
  }

  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : jsondecode(definition.container_definitions)[0].image == var.mongo_image])
    error_message = "The task definitions have the new image, for forecast mongo roll to use."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.member : one(one(service.volume_configuration).managed_ebs_volume).size_in_gb == 20])
    error_message = "The services keep their volumes."
  }
  assert {
    condition     = setunion([for service in aws_ecs_service.member : one(service.network_configuration).subnets]...) == toset(["subnet-a", "subnet-b", "subnet-c"])
    error_message = "The services keep their network."
  }
}
