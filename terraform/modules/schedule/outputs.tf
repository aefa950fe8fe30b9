output "dead_letter_queue_name" {
  description = "Queue of runs that could not be started."
  value       = aws_sqs_queue.dead_letters.name
}
