# The dashboard for people: CloudFront before the site in the bucket of the processed zone. Nobody gets a page without a
# name and a password, and nobody reaches the bucket but through it.

data "aws_region" "current" {}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = "${var.name}-site"
  description                       = "CloudFront signs what it asks the bucket for."
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# Runs before the cache is asked, for every request.
resource "aws_cloudfront_function" "login" {
  name    = "${var.name}-site-login"
  runtime = "cloudfront-js-2.0"
  comment = "Lets through whoever has a name and a password."
  publish = true
  code    = templatefile("${path.module}/login.js", { users = jsonencode(sort(values(var.users))) })
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name = "${var.name}-site"

  security_headers_config {
    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      include_subdomains         = true
      preload                    = true
      override                   = true
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_86:Access logs need a bucket with access lists, which this account's buckets do not have; CloudTrail tells who reads the bucket.
  #checkov:skip=CKV_AWS_68:A firewall costs more than all else of the site; without a password there is nothing to reach.
  #checkov:skip=CKV2_AWS_47:The same: there is no firewall, and nothing behind it runs Java.
  #checkov:skip=CKV_AWS_174:The certificate of cloudfront.net leaves the choice of TLS to AWS; a name of your own brings its own certificate.
  #checkov:skip=CKV2_AWS_42:The same: the site has the name that CloudFront gives it.
  #checkov:skip=CKV_AWS_310:One bucket is all there is; its loss is the loss of the zone.
  #checkov:skip=CKV_AWS_374:Who may read is told by name and password; forecasters travel.
  enabled             = true
  comment             = "${var.name}: the dashboard"
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"

  origin {
    origin_id                = "site"
    domain_name              = "${var.bucket}.s3.${data.aws_region.current.name}.amazonaws.com"
    origin_path              = "/${trimsuffix(var.prefix, "/")}"
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  default_cache_behavior {
    target_origin_id           = "site"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    # AWS's own policy CachingDisabled: a page that every run writes anew must not be a day old.
    cache_policy_id = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.login.arn
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = true
  }
}
