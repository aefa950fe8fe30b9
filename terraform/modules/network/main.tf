# Three zones, each with a private subnet for the tasks and a public one for a NAT gateway.

locals {
  zones = { for index, zone in var.availability_zones : zone => index }

  # The zones that hold a NAT gateway. With a single one it stands in the first zone.
  nat_zones = {
    single   = slice(var.availability_zones, 0, 1)
    per_zone = var.availability_zones
    none     = []
  }[var.nat_mode]

  # What tasks must reach besides S3: to start (ecr, logs, secretsmanager, ssm), and to roll the members (ecs).
  interface_services = var.nat_mode == "none" ? toset(["ecr.api", "ecr.dkr", "ecs", "logs", "secretsmanager", "ssm"]) : toset([])
}

data "aws_region" "current" {}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = { Name = var.name }
}

# The default group lets its members talk to each other; nothing may rely on that.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, each.value)

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_subnet" "public" {
  for_each = toset(local.nat_zones)

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.vpc_cidr, 4, local.zones[each.key] + 8)

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = local.zones

  subnet_id      = aws_subnet.private[each.key].id
  route_table_id = aws_route_table.private[each.key].id
}

# Free, and it carries the layers of the images and all bucket traffic past the NAT gateway.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${data.aws_region.current.name}.s3"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  tags = { Name = "${var.name}-s3" }
}
