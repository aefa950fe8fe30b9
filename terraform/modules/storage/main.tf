# Three buckets of one kind; what differs between them is in the table below.

data "aws_caller_identity" "current" {}

locals {
  zones = {
    # What Airbyte delivered is the source of everything: current versions stay forever.
    raw = { lock_days = 0, infrequent_after_days = 90, expire_after_days = 0, old_versions_days = 90 }
    # Can be made again from raw.
    processed = { lock_days = 0, infrequent_after_days = 0, expire_after_days = 0, old_versions_days = 30 }
    # Dumps: locked, then gone.
    backup = { lock_days = var.backup_lock_days, infrequent_after_days = 0, expire_after_days = var.backup_lock_days + 5, old_versions_days = 1 }
  }
}

resource "aws_s3_bucket" "this" {
  for_each = local.zones

  bucket              = "${var.name}-${each.key}-${data.aws_caller_identity.current.account_id}"
  object_lock_enabled = each.value.lock_days > 0
  force_destroy       = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.zones

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.zones

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.zones

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.zones

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

locals {
  # The dashboard's distribution, where there is one, reads the site and nothing else.
  site_readers = var.site_distribution_arn == null ? [] : [var.site_distribution_arn]
}

resource "aws_s3_bucket_policy" "tls_only" {
  for_each = local.zones

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for arn in local.site_readers : {
        Sid       = "SiteOfTheDashboard"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.this[each.key].arn}/${var.site_prefix}*"
        Condition = { StringEquals = { "AWS:SourceArn" = arn } }
      } if each.key == "processed"],
    )
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = { for zone, settings in local.zones : zone => settings if settings.lock_days > 0 }

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    default_retention {
      # Governance, not compliance: the account's owner can still lift it on purpose.
      mode = "GOVERNANCE"
      days = each.value.lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.zones

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"
    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = each.value.old_versions_days
    }
  }

  dynamic "rule" {
    for_each = each.value.infrequent_after_days > 0 ? [each.value.infrequent_after_days] : []

    content {
      id     = "infrequent-access"
      status = "Enabled"
      filter {}

      transition {
        days          = rule.value
        storage_class = "STANDARD_IA"
      }
    }
  }

  dynamic "rule" {
    for_each = each.value.expire_after_days > 0 ? [each.value.expire_after_days] : []

    content {
      id     = "expire"
      status = "Enabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
