# Daily snapshots of the members' volumes, and every week a proof that one of them can be restored.
#
# A member's volume ends with its task; what stays of it are these snapshots. More than one a day would hold nothing
# new: the database changes once a day, and what came after the snapshot is in S3 and can be loaded again.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

resource "aws_backup_vault" "this" {
  name          = var.name
  kms_key_arn   = var.kms_key_arn
  force_destroy = var.force_destroy
}

# Governance mode: no changeable_for_days, so that a person with the right to can still lift it.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.force_destroy ? 0 : 1

  backup_vault_name  = aws_backup_vault.this.name
  min_retention_days = var.retention_days
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name                    = "daily"
    target_vault_name            = aws_backup_vault.this.name
    schedule                     = var.schedule_expression
    schedule_expression_timezone = var.schedule_timezone
    start_window                 = 60
    completion_window            = 240

    lifecycle {
      delete_after = var.retention_days
    }
  }
}

# Conditions must all hold; several selection_tag blocks would take whatever meets one of them.
resource "aws_backup_selection" "volumes" {
  name         = "members"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this.arn
  resources    = ["arn:${data.aws_partition.current.partition}:ec2:*:*:volume/*"]

  condition {
    string_equals {
      key   = "aws:ResourceTag/${var.volume_tag.key}"
      value = var.volume_tag.value
    }
  }
}

resource "aws_backup_restore_testing_plan" "this" {
  name                         = replace(var.name, "-", "_")
  schedule_expression          = var.restore_test_schedule_expression
  schedule_expression_timezone = var.schedule_timezone
  start_window_hours           = 4

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

# Of everything in this vault, and that is the members' volumes only; a condition on tags could not find the volumes of
# tasks that are gone. AWS Backup chooses the zone of the restored volume, encrypts it, and deletes it after an hour.
resource "aws_backup_restore_testing_selection" "volumes" {
  name                      = "volumes"
  restore_testing_plan_name = aws_backup_restore_testing_plan.this.name
  protected_resource_type   = "EBS"
  iam_role_arn              = aws_iam_role.this.arn
  protected_resource_arns   = ["*"]
  validation_window_hours   = 1
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-backup"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "backup.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = toset(["AWSBackupServiceRolePolicyForBackup", "AWSBackupServiceRolePolicyForRestores"])

  role       = aws_iam_role.this.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/${each.key}"
}
