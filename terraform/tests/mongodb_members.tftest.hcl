# Three members, each alone in its zone, and never two tasks of one.

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

run "one_member_in_each_zone" {
  module { source = "./modules/mongodb" }

  assert {
    condition = { for member, service in aws_ecs_service.member : member => one(service.network_configuration).subnets } == {
      mongo-1 = toset(["subnet-a"])
      mongo-2 = toset(["subnet-b"])
      mongo-3 = toset(["subnet-c"])
    }
    error_message = "The loss of one zone costs one member."
  }
  assert {
    condition     = alltrue([for member, service in aws_ecs_service.member : service.name == member && service.desired_count == 1])
    error_message = "The services are called mongo-1, mongo-2 and mongo-3, and run one task each."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.member : !one(service.network_configuration).assign_public_ip])
    error_message = "No member has a public address."
  }
}

run "never_two_tasks_of_one_member" {
  module { source = "./modules/mongodb" }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.member :
      service.deployment_minimum_healthy_percent == 0 && service.deployment_maximum_percent == 100
    ])
    error_message = "The old task ends before the new one starts."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.member : service.availability_zone_rebalancing == "DISABLED"])
    error_message = "ECS moves no member to another zone: moving it deletes its disk."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.member : length(service.deployment_circuit_breaker) == 0])
    error_message = "A roll-back would delete one more disk."
  }
}

run "found_by_name" {
  module { source = "./modules/mongodb" }

  assert {
    condition     = aws_service_discovery_private_dns_namespace.this.name == "forecast-test.internal"
    error_message = "The names are private to the VPC."
  }
  assert {
    condition     = { for member, service in aws_service_discovery_service.member : member => service.name } == { mongo-1 = "mongo-1", mongo-2 = "mongo-2", mongo-3 = "mongo-3" }
    error_message = "Each member has a name of its own, whatever its address."
  }
  assert {
    condition     = alltrue([for service in aws_service_discovery_service.member : one(one(service.dns_config).dns_records).ttl == 10])
    error_message = "A new address is known within ten seconds."
  }
  assert {
    condition = output.member_hosts == {
      mongo-1 = "mongo-1.forecast-test.internal:27017"
      mongo-2 = "mongo-2.forecast-test.internal:27017"
      mongo-3 = "mongo-3.forecast-test.internal:27017"
    }
    error_message = "These are the hosts that connection strings name."
  }
}

run "a_volume_each_managed_by_the_service" {
  module { source = "./modules/mongodb" }

  assert {
    condition = alltrue([
      for service in aws_ecs_service.member :
      one(one(service.volume_configuration).managed_ebs_volume).encrypted
      && one(one(service.volume_configuration).managed_ebs_volume).kms_key_id == var.kms_key_arn
      && one(one(service.volume_configuration).managed_ebs_volume).file_system_type == "xfs"
      && one(one(service.volume_configuration).managed_ebs_volume).volume_type == "gp3"
      && one(one(service.volume_configuration).managed_ebs_volume).size_in_gb == 20
    ])
    error_message = "20 GiB of gp3 with xfs, encrypted by the stack's own key."
  }
  assert {
    condition = alltrue([
      for member, service in aws_ecs_service.member :
      one(one(one(service.volume_configuration).managed_ebs_volume).tag_specifications).tags == tomap({ BackupPlan = "forecast-test", Member = member })
    ])
    error_message = "AWS Backup finds the volumes by their tag, and people see whose they are."
  }
  assert {
    condition     = output.volume_tag == { key = "BackupPlan", value = "forecast-test" }
    error_message = "The backup plan is told that tag."
  }
  assert {
    condition     = alltrue([for definition in aws_ecs_task_definition.member : { for volume in definition.volume : volume.name => coalesce(volume.configure_at_launch, false) } == { data = true, run = false }])
    error_message = "The task leaves the volume to the service."
  }
}
