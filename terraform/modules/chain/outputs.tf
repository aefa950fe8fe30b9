output "state_machine_arn" {
  description = "The chain, for starting it by hand and for its alarms."
  value       = aws_sfn_state_machine.this.arn
}

output "input" {
  description = "What the schedule starts an execution with, as JSON."
  value       = jsonencode(local.input)
}

output "dead_letter_queue_name" {
  description = "Queue of executions that could not be started."
  value       = module.schedule.dead_letter_queue_name
}
