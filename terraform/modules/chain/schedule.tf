# The clock.

module "schedule" {
  source = "../schedule"

  name                = var.name
  description         = "Starts the chain: ${join(", ", [for step in var.steps : step.name])}"
  state_machine       = { arn = aws_sfn_state_machine.this.arn }
  input               = jsonencode(local.input)
  schedule_expression = var.schedule_expression
  schedule_timezone   = var.schedule_timezone

  permissions_boundary_arn = var.permissions_boundary_arn
}
