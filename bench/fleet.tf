# The fleet that edcc makes of bench/fleet.edcc, in Terraform and its AWS provider.

variable "machines" {
  type = number
}

provider "aws" {
  region = "eu-west-1"
  default_tags {
    tags = { Name = "fleet" }
  }
}

data "aws_ssm_parameter" "image" {
  name = "/aws/service/debian/release/12/latest/amd64"
}

resource "aws_vpc" "fleet" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_internet_gateway" "fleet" {
  vpc_id = aws_vpc.fleet.id
}

resource "aws_subnet" "fleet" {
  vpc_id     = aws_vpc.fleet.id
  cidr_block = "10.0.0.0/20"
}

resource "aws_route" "out" {
  route_table_id         = aws_vpc.fleet.main_route_table_id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.fleet.id
}

resource "aws_security_group" "fleet" {
  name   = "fleet"
  vpc_id = aws_vpc.fleet.id
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.fleet.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.fleet.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
  cidr_ipv4         = "203.0.113.7/32"
}

resource "aws_vpc_security_group_ingress_rule" "within" {
  for_each                     = { http = 80, distcc = 3632 }
  security_group_id            = aws_security_group.fleet.id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
  referenced_security_group_id = aws_security_group.fleet.id
}

resource "aws_instance" "machine" {
  count                                = var.machines
  ami                                  = data.aws_ssm_parameter.image.value
  instance_type                        = "c7i.large"
  subnet_id                            = aws_subnet.fleet.id
  vpc_security_group_ids               = [aws_security_group.fleet.id]
  associate_public_ip_address          = true
  user_data_base64                     = file("user-data")
  instance_initiated_shutdown_behavior = "terminate"
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  root_block_device {
    volume_type = "gp3"
    volume_size = 30
  }
}
