# The dashboard is read by those who are named, through CloudFront, and by nobody else.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name   = "forecast-test"
  bucket = "forecast-test-processed-123456789012"
  prefix = "site/"
  users  = { anna = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
}

run "behind_a_login" {
  module { source = "./modules/site" }

  assert {
    condition     = [for one in aws_cloudfront_distribution.this.default_cache_behavior[0].function_association : [one.event_type, one.function_arn]] == [["viewer-request", aws_cloudfront_function.login.arn]]
    error_message = "The login is asked for before anything is looked up."
  }
  assert {
    condition     = strcontains(aws_cloudfront_function.login.code, "const users = [\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"];") && aws_cloudfront_function.login.publish
    error_message = "Those who are named are let through."
  }
  assert {
    condition     = aws_cloudfront_distribution.this.default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https"
    error_message = "A password travels by TLS only."
  }
  assert {
    condition     = length(aws_cloudfront_distribution.this.ordered_cache_behavior) == 0
    error_message = "No path goes another way."
  }
}

run "from_the_bucket" {
  module { source = "./modules/site" }

  assert {
    condition     = [for one in aws_cloudfront_distribution.this.origin : one.origin_path] == ["/site"]
    error_message = "Nothing beside the site is served."
  }
  assert {
    condition     = aws_cloudfront_origin_access_control.this.signing_behavior == "always"
    error_message = "The bucket is asked with a signature."
  }
}

run "nobody_is_named" {
  module { source = "./modules/site" }
  command = plan

  variables {
    users = {}
  }

  expect_failures = [var.users]
}

run "a_password_in_place_of_its_hash" {
  module { source = "./modules/site" }
  command = plan

  variables {
    users = { anna = "correct horse" }
  }

  expect_failures = [var.users]
}

run "the_bucket_lets_the_distribution_read_the_site" {
  module { source = "./modules/storage" }

  variables {
    backup_lock_days      = 30
    force_destroy         = false
    site_distribution_arn = "arn:aws:cloudfront::123456789012:distribution/E1"
  }

  assert {
    condition = { for zone, policy in aws_s3_bucket_policy.tls_only : zone => [for one in jsondecode(policy.policy).Statement : one if one.Effect == "Allow"] } == {
      raw    = []
      backup = []
      processed = [{
        Sid       = "SiteOfTheDashboard"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.this["processed"].arn}/site/*"
        Condition = { StringEquals = { "AWS:SourceArn" = "arn:aws:cloudfront::123456789012:distribution/E1" } }
      }]
    }
    error_message = "One distribution reads one prefix of one bucket."
  }
}
