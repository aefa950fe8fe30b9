# What the network refuses to be made from.

mock_provider "aws" {}

variables {
  name               = "forecast-test"
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
  nat_mode           = "single"
  kms_key_arn        = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  log_retention_days = 30
}

run "two_zones_are_too_few" {
  command = plan
  module { source = "./modules/network" }
  variables { availability_zones = ["eu-west-3a", "eu-west-3b"] }
  expect_failures = [var.availability_zones]
}

run "one_zone_twice_is_not_three_zones" {
  command = plan
  module { source = "./modules/network" }
  variables { availability_zones = ["eu-west-3a", "eu-west-3b", "eu-west-3b"] }
  expect_failures = [var.availability_zones]
}

run "an_unknown_way_out" {
  command = plan
  module { source = "./modules/network" }
  variables { nat_mode = "maybe" }
  expect_failures = [var.nat_mode]
}

run "an_address_is_no_range" {
  command = plan
  module { source = "./modules/network" }
  variables { vpc_cidr = "10.20.0.0" }
  expect_failures = [var.vpc_cidr]
}

run "a_range_without_room_for_six_subnets" {
  command = plan
  module { source = "./modules/network" }
  variables { vpc_cidr = "10.20.0.0/28" }
  expect_failures = [var.vpc_cidr]
}

run "a_key_that_is_none" {
  command = plan
  module { source = "./modules/network" }
  variables { kms_key_arn = "alias/forecast" }
  expect_failures = [var.kms_key_arn]
}

run "a_retention_that_cloudwatch_does_not_know" {
  command = plan
  module { source = "./modules/network" }
  variables { log_retention_days = 31 }
  expect_failures = [var.log_retention_days]
}
