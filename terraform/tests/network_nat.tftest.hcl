# How tasks reach AWS, by nat_mode.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "forecast-test"
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
  kms_key_arn        = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  log_retention_days = 30
}

run "one_gateway_serves_all_zones" {
  module { source = "./modules/network" }

  variables { nat_mode = "single" }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-west-3a"]
    error_message = "There is one gateway, in the first zone."
  }
  assert {
    condition     = alltrue([for route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this["eu-west-3a"].id]) && length(aws_route.nat) == 3
    error_message = "All three zones go through it."
  }
  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0
    error_message = "Nobody pays for interface endpoints beside a gateway."
  }
}

run "each_zone_has_its_own_gateway" {
  module { source = "./modules/network" }

  variables { nat_mode = "per_zone" }

  assert {
    condition     = tolist(keys(aws_nat_gateway.this)) == var.availability_zones
    error_message = "There is a gateway in each zone."
  }
  assert {
    condition     = alltrue([for zone, route in aws_route.nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id])
    error_message = "Each zone goes through its own gateway, so that one zone's loss stays one zone's loss."
  }
}

run "no_way_to_the_internet" {
  module { source = "./modules/network" }

  variables { nat_mode = "none" }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_internet_gateway.this) + length(aws_route.nat) + length(aws_subnet.public) == 0
    error_message = "Nothing leads to the internet."
  }
  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["ecr.api", "ecr.dkr", "ecs", "logs", "secretsmanager", "ssm"]
    error_message = "What a task needs to start has an endpoint."
  }
  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled && length(endpoint.subnet_ids) == 3])
    error_message = "Each endpoint stands in all zones, under the service's own name."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == var.vpc_cidr && aws_vpc_security_group_ingress_rule.endpoints[0].from_port == 443
    error_message = "Only the VPC reaches the endpoints, and only by HTTPS."
  }
}
