output "dead_letter_queue_name" {
  description = "Queue of what could not be started."
  value       = aws_sqs_queue.dead_letters.name
}

output "target" {
  description = "What it starts: an ARN, and the input as JSON."
  value       = { arn = one(aws_scheduler_schedule.this.target).arn, input = one(aws_scheduler_schedule.this.target).input }
}
