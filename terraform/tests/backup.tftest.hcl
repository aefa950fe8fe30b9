# Snapshots of the members' volumes, and the proof that they can be restored.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name           = "forecast-test"
  kms_key_arn    = "arn:aws:kms:eu-west-3:123456789012:key/mock"
  volume_tag     = { key = "BackupPlan", value = "forecast-test" }
  retention_days = 35
  force_destroy  = false
}

run "daily_in_local_time" {
  module { source = "./modules/backup" }

  assert {
    condition = (
      one(aws_backup_plan.this.rule).schedule == "cron(30 7 * * ? *)"
      && one(aws_backup_plan.this.rule).schedule_expression_timezone == "Europe/Paris"
      && one(one(aws_backup_plan.this.rule).lifecycle).delete_after == 35
    )
    error_message = "Half past seven in Paris, after the run and the dump; kept for 35 days."
  }
  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.kms_key_arn && one(aws_backup_plan.this.rule).target_vault_name == "forecast-test"
    error_message = "Into the stack's own vault, encrypted."
  }
}

run "this_stacks_volumes_only" {
  module { source = "./modules/backup" }

  assert {
    condition = (
      aws_backup_selection.volumes.resources == toset(["arn:aws:ec2:*:*:volume/*"])
      && [for condition in one(aws_backup_selection.volumes.condition).string_equals : [condition.key, condition.value]] == [["aws:ResourceTag/BackupPlan", "forecast-test"]]
      && length(aws_backup_selection.volumes.selection_tag) == 0
    )
    error_message = "Volumes with this stack's tag: by condition, because selection tags take what has any one of them."
  }
}

run "locked_in_production" {
  module { source = "./modules/backup" }

  assert {
    condition     = aws_backup_vault_lock_configuration.this[0].min_retention_days == 35 && aws_backup_vault_lock_configuration.this[0].changeable_for_days == null
    error_message = "No snapshot goes before its time; who has the right to can still lift the lock."
  }
  assert {
    condition     = !aws_backup_vault.this.force_destroy
    error_message = "A vault that holds snapshots cannot be destroyed."
  }
}

run "free_to_go_elsewhere" {
  module { source = "./modules/backup" }

  variables {
    retention_days = 7
    force_destroy  = true
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 0 && aws_backup_vault.this.force_destroy
    error_message = "A stack to try things on can be removed with its snapshots."
  }
}

run "restored_every_week" {
  module { source = "./modules/backup" }

  assert {
    condition = (
      aws_backup_restore_testing_plan.this.schedule_expression == "cron(0 9 ? * SUN *)"
      && one(aws_backup_restore_testing_plan.this.recovery_point_selection).include_vaults == toset([aws_backup_vault.this.arn])
      && one(aws_backup_restore_testing_plan.this.recovery_point_selection).algorithm == "LATEST_WITHIN_WINDOW"
    )
    error_message = "On Sundays the newest snapshots of this vault."
  }
  assert {
    condition = (
      aws_backup_restore_testing_selection.volumes.protected_resource_type == "EBS"
      && aws_backup_restore_testing_selection.volumes.protected_resource_arns == toset(["*"])
    )
    error_message = "Also those of volumes that are gone: a member's volume ends with its task."
  }
}

run "by_awss_own_policies" {
  module { source = "./modules/backup" }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.this) == ["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"]
    error_message = "AWS Backup takes snapshots and restores them."
  }
}

run "kept_for_no_time" {
  command = plan
  module { source = "./modules/backup" }

  variables { retention_days = 0 }

  expect_failures = [var.retention_days]
}

run "no_schedule" {
  command = plan
  module { source = "./modules/backup" }

  variables { schedule_expression = "daily" }

  expect_failures = [var.schedule_expression]
}

run "no_schedule_of_the_test" {
  command = plan
  module { source = "./modules/backup" }

  variables { restore_test_schedule_expression = "weekly" }

  expect_failures = [var.restore_test_schedule_expression]
}

run "no_time_zone" {
  command = plan
  module { source = "./modules/backup" }

  variables { schedule_timezone = "CET" }

  expect_failures = [var.schedule_timezone]
}

run "no_tag" {
  command = plan
  module { source = "./modules/backup" }

  variables { volume_tag = { key = "BackupPlan", value = "" } }

  expect_failures = [var.volume_tag]
}
