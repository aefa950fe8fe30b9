# By which ECS starts members and manages their volumes.

locals {
  this_account = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
}

resource "aws_iam_role" "member_execution" {
  for_each = local.members

  name                 = "${var.name}-${each.key}-start"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = local.this_account
    }]
  })
}

# Each member reads its own certificate, and none of the users' passwords.
resource "aws_iam_role_policy" "member_execution" {
  for_each = local.members

  name = "start"
  role = aws_iam_role.member_execution[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # It has no resource: the token is the account's.
        Sid      = "SignInToTheRegistry"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid      = "PullTheImage"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        Resource = [var.mongo_repository_arn, var.tools_repository_arn]
      },
      {
        Sid      = "WriteTheLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this["members"].arn}:*"
      },
      {
        Sid      = "ReadItsSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [var.replica_key_secret_arn, var.tls_secret_arns["ca"], var.tls_secret_arns[each.key]]
      },
      {
        Sid      = "ReadWhetherTheSetExists"
        Effect   = "Allow"
        Action   = "ssm:GetParameters"
        Resource = aws_ssm_parameter.bootstrapped.arn
      },
      {
        Sid      = "DecryptThem"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
      },
    ]
  })
}

# What renew may do in a member's task.
resource "aws_iam_role" "member" {
  for_each = local.members

  name                 = "${var.name}-${each.key}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = local.this_account
    }]
  })
}

resource "aws_iam_role_policy" "member" {
  for_each = local.members

  name = "renew"
  role = aws_iam_role.member[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadItsCertificate"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.tls_secret_arns[each.key]
      },
      {
        Sid      = "DecryptIt"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
      },
    ]
  })
}

resource "aws_iam_role" "infrastructure" {
  name                 = "${var.name}-mongodb-volumes"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = "sts:AssumeRole"
      # Without a condition, as AWS's own page has it: whether ECS names the account while it manages volumes is said
      # nowhere, and without volumes no member starts. Who may hand the role over is limited by iam:PassRole.
      Principal = { Service = "ecs.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "infrastructure" {
  role       = aws_iam_role.infrastructure.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSInfrastructureRolePolicyForVolumes"
}

# The managed policy knows nothing of a key of our own (EBS user guide, "Requirements for Amazon EBS encryption").
resource "aws_iam_role_policy" "infrastructure_key" {
  name = "encrypt-volumes"
  role = aws_iam_role.infrastructure.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "UseTheKeyForVolumes"
        Effect    = "Allow"
        Action    = ["kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*", "kms:Decrypt"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "ec2.${data.aws_region.current.name}.amazonaws.com" } }
      },
      {
        Sid       = "LetVolumesUseIt"
        Effect    = "Allow"
        Action    = "kms:CreateGrant"
        Resource  = var.kms_key_arn
        Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
}
