# Nobody outside reads a bucket, nobody reads it without TLS, and nothing is lost by one wrong deletion.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name             = "forecast-test"
  backup_lock_days = 30
  force_destroy    = false
}

run "three_buckets" {
  module { source = "./modules/storage" }

  assert {
    condition = output.bucket_names == {
      backup    = "forecast-test-backup-123456789012"
      processed = "forecast-test-processed-123456789012"
      raw       = "forecast-test-raw-123456789012"
    }
    error_message = "Raw, processed and backup, each under a name that is unique in the world."
  }
  assert {
    condition     = alltrue([for bucket in aws_s3_bucket.this : !bucket.force_destroy])
    error_message = "A bucket that holds objects cannot be destroyed."
  }
}

run "closed_to_the_public" {
  module { source = "./modules/storage" }

  assert {
    condition = alltrue([
      for block in aws_s3_bucket_public_access_block.this :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ]) && length(aws_s3_bucket_public_access_block.this) == 3
    error_message = "All four blocks are on, for all three buckets."
  }
  assert {
    condition     = alltrue([for control in aws_s3_bucket_ownership_controls.this : control.rule[0].object_ownership == "BucketOwnerEnforced"])
    error_message = "Access lists are off."
  }
}

run "tls_only" {
  module { source = "./modules/storage" }

  assert {
    condition = alltrue([
      for zone, policy in aws_s3_bucket_policy.tls_only : jsondecode(policy.policy).Statement == [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this[zone].arn, "${aws_s3_bucket.this[zone].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    ]) && length(aws_s3_bucket_policy.tls_only) == 3
    error_message = "Whoever comes without TLS is refused, whatever he may do otherwise."
  }
}

run "encrypted_and_versioned" {
  module { source = "./modules/storage" }

  assert {
    condition = alltrue([
      for encryption in aws_s3_bucket_server_side_encryption_configuration.this :
      one(one(encryption.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    ]) && length(aws_s3_bucket_server_side_encryption_configuration.this) == 3
    error_message = "All three buckets encrypt."
  }
  assert {
    condition     = alltrue([for versioning in aws_s3_bucket_versioning.this : versioning.versioning_configuration[0].status == "Enabled"]) && length(aws_s3_bucket_versioning.this) == 3
    error_message = "All three buckets keep old versions."
  }
}
