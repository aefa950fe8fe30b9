output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its IPv4 range."
  value       = aws_vpc.this.cidr_block
}

output "private_subnet_ids" {
  description = "Private subnets, in the order of availability_zones."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "s3_prefix_list_id" {
  description = "Address ranges of S3, for egress rules that reach it through the gateway endpoint."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}
