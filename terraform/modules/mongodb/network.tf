# Who talks to whom: clients to members, members to each other, both to AWS's services over HTTPS.

resource "aws_security_group" "member" {
  name        = "${var.name}-mongodb"
  description = "Members of the replica set"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-mongodb" }
}

resource "aws_security_group" "client" {
  #checkov:skip=CKV2_AWS_5:Tasks that run once wear it; they are started by schedules and by hand.
  name        = "${var.name}-mongodb-client"
  description = "Tasks that connect to the replica set"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-mongodb-client" }
}

locals {
  groups = { member = aws_security_group.member.id, client = aws_security_group.client.id }
}

resource "aws_vpc_security_group_ingress_rule" "mongodb" {
  for_each = local.groups

  security_group_id            = aws_security_group.member.id
  referenced_security_group_id = each.value
  description                  = "MongoDB from each ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_vpc_security_group_egress_rule" "mongodb" {
  for_each = local.groups

  security_group_id            = each.value
  referenced_security_group_id = aws_security_group.member.id
  description                  = "MongoDB to the members"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

# Registry, secrets, logs, S3: their addresses change.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = local.groups

  security_group_id = each.value
  description       = "HTTPS to AWS services"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}
