# The key that guards secrets, logs, volumes, alarms and backups.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "forecast-test"
}

run "rotated_and_not_lost_by_a_slip" {
  module { source = "./modules/key" }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "The key rotates, and its deletion can be called off for 30 days."
  }
}

run "services_use_it_for_this_stack_only" {
  module { source = "./modules/key" }

  assert {
    condition = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition if statement.Sid == "LogGroupsOfThisName"] == [
      { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:aws:logs:eu-west-3:123456789012:log-group:/forecast-test/*" } }
    ]
    error_message = "CloudWatch Logs may use the key for this stack's log groups."
  }
  assert {
    condition = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition if statement.Sid == "AlarmsAndEventsToTheTopic"] == [
      { ArnLike = { "kms:EncryptionContext:aws:sns:topicArn" = "arn:aws:sns:eu-west-3:123456789012:forecast-test-*" } }
    ]
    error_message = "Alarms and events may use the key for this stack's topic, and no condition that EventBridge never meets stands in their way."
  }
  assert {
    condition     = [for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Sid if try(statement.Principal == "*", false) || try(statement.Principal.AWS == "*", false)] == []
    error_message = "Nobody outside the account may use the key."
  }
}
