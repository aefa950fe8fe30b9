# What cannot work is refused before anything is made.

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

run "an_image_by_tag" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    mongo_image = "registry/mongo:8.0"
  }

  expect_failures = [var.mongo_image]
}

run "tools_by_tag" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    tools_image = "registry/pipeline:latest"
  }

  expect_failures = [var.tools_image]
}

run "two_members_in_one_zone" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    subnet_ids = ["subnet-a", "subnet-a", "subnet-c"]
  }

  expect_failures = [var.subnet_ids]
}

run "two_members" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    subnet_ids = ["subnet-a", "subnet-b"]
  }

  expect_failures = [var.subnet_ids]
}

run "memory_that_fargate_does_not_have" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    member_memory = 1536
  }

  expect_failures = [var.member_memory]
}

run "too_little_memory_for_the_cpu" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    member_memory = 1024
  }

  expect_failures = [var.member_memory]
}

run "a_disk_too_small" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    volume_size_gib = 5
  }

  expect_failures = [var.volume_size_gib]
}

run "a_user_without_a_secret" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    user_secret_arns = { root = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:root" }
  }

  expect_failures = [var.user_secret_arns]
}

run "a_member_without_a_certificate" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    tls_secret_arns = { ca = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:ca" }
  }

  expect_failures = [var.tls_secret_arns]
}

run "a_certificate_outside_the_tmpfs" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    ca_file = "/etc/ssl/ca.pem"
  }

  expect_failures = [var.ca_file]
}

run "an_unknown_time_zone" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    schedule_timezone = "CET+1"
  }

  expect_failures = [var.schedule_timezone]
}

run "a_roll_at_no_time" {
  command = plan
  module { source = "./modules/mongodb" }

  variables {
    roll_schedule_expression = "daily"
  }

  expect_failures = [var.roll_schedule_expression]
}
