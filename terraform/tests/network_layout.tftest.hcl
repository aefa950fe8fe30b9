# Three zones, kept apart from the internet.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "forecast-test"
  vpc_cidr           = "10.20.0.0/16"
  availability_zones = ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
  nat_mode           = "per_zone"
  kms_key_arn        = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  log_retention_days = 30
}

run "subnets" {
  module { source = "./modules/network" }

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { eu-west-3a = "10.20.0.0/20", eu-west-3b = "10.20.16.0/20", eu-west-3c = "10.20.32.0/20" }
    error_message = "One private subnet a zone."
  }
  assert {
    condition     = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { eu-west-3a = "10.20.128.0/20", eu-west-3b = "10.20.144.0/20", eu-west-3c = "10.20.160.0/20" }
    error_message = "One public subnet for each gateway, apart from the private ones."
  }
  assert {
    condition     = output.private_subnet_ids == [for zone in var.availability_zones : aws_subnet.private[zone].id]
    error_message = "The output keeps the order of the zones: the first member runs in the first one."
  }
  assert {
    condition     = !anytrue([for subnet in merge(aws_subnet.private, { for zone, subnet in aws_subnet.public : "public-${zone}" => subnet }) : coalesce(subnet.map_public_ip_on_launch, false)])
    error_message = "Nothing gets a public address by itself."
  }
}

run "buckets_are_reached_past_the_gateway" {
  module { source = "./modules/network" }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.eu-west-3.s3"
    error_message = "S3 has the free gateway endpoint."
  }
  assert {
    condition     = aws_vpc_endpoint.s3.route_table_ids == toset([for table in aws_route_table.private : table.id])
    error_message = "Every private subnet uses it."
  }
}

run "the_default_group_is_closed" {
  module { source = "./modules/network" }

  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The VPC's default security group lets nothing in or out."
  }
}

run "refused_connections_are_logged" {
  module { source = "./modules/network" }

  assert {
    condition     = aws_flow_log.rejected.traffic_type == "REJECT" && aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn
    error_message = "Refused connections are logged, encrypted."
  }
}
