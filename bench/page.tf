# The same shape as page.edcc in Terraform's one built-in resource: hosts, steps that need each other, artifacts.

variable "workers" {
  type    = number
  default = 4
}

variable "flags" {
  type    = string
  default = "-O2 -g"
}

resource "terraform_data" "distccd" {
  count = var.workers
  input = { host = "127.0.0.${count.index + 2}", slots = 2 }
}

resource "terraform_data" "canary" {
  count      = var.workers
  input      = terraform_data.distccd[count.index].input.host
  depends_on = [terraform_data.distccd]
}

resource "terraform_data" "configure" {
  input      = { command = "./configure --prefix=/usr CFLAGS='${var.flags}'", timeout = "5m" }
  depends_on = [terraform_data.canary]
}

resource "terraform_data" "compile" {
  input      = { command = "make -j", timeout = "20m" }
  depends_on = [terraform_data.configure]
}

resource "terraform_data" "test" {
  input      = { command = "make check", timeout = "10m", success = [0, 77] }
  depends_on = [terraform_data.compile]
}

resource "terraform_data" "artifact" {
  for_each   = { "lib/*.a" = "out/lib/", "tests/*.log" = "out/log/" }
  input      = { from = each.key, to = each.value }
  depends_on = [terraform_data.test]
}

output "hosts" {
  value = terraform_data.distccd[*].input.host
}
