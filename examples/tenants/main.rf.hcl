# One Ray cluster for each team, closed off from the others, from one map.

variable "teams" {
  description = "What each team gets, by its name."
  type = map(object({
    cpu         = number
    memory      = string
    gpu         = optional(number, 0)
    max_workers = optional(number, 4)
  }))
  default = {
    search = { cpu = 64, memory = "256Gi", max_workers = 8 }
    vision = { cpu = 48, memory = "192Gi", gpu = 4 }
  }

  validation {
    condition     = alltrue([for name in keys(var.teams) : name == dns_label(name)])
    error_message = "A team's name is part of host names: lower-case letters, digits and dashes."
  }
}

module "tenant" {
  source   = "./tenant"
  for_each = var.teams

  team        = each.key
  cpu         = each.value.cpu
  memory      = each.value.memory
  gpu         = each.value.gpu
  max_workers = each.value.max_workers
}

output "dashboards" {
  value = { for team, tenant in module.tenant : team => tenant.dashboard }
}
