# The sample stack of the demo: infrastructure that costs nothing, because
# terraform_data is built into Terraform and OpenTofu and manages only itself.

variable "db_password" {
  type      = string
  sensitive = true
}

resource "terraform_data" "network" {
  input = { name = "sample", range = "10.0.0.0/16" }
}

resource "terraform_data" "database" {
  input            = { engine = "postgres", network = terraform_data.network.output.name }
  triggers_replace = [sha256(var.db_password)]
}

# The state that the demo begins with has no `mail`: that is what a deploy adds.
resource "terraform_data" "service" {
  for_each = toset(["api", "mail", "web", "worker"])
  input    = { name = each.key, network = terraform_data.network.output.name }
}

output "services" {
  value = sort([for service in terraform_data.service : service.output.name])
}

# Made where it is needed and kept by the state alone, as many a password is.
resource "terraform_data" "admin_password" {
  input = sensitive(uuid())

  lifecycle {
    ignore_changes = [input]
  }
}

output "admin_password" {
  value     = terraform_data.admin_password.output
  sensitive = true
}
