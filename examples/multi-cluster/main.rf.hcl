# The same Ray cluster for one team in two Kubernetes clusters, and a registry of both in the first.

cluster "east" {
  kubeconfig = var.kubeconfig_east
}

cluster "west" {
  kubeconfig = var.kubeconfig_west
}

variable "kubeconfig_east" {
  description = "The kubeconfig of the cluster in the east."
  type        = string
}

variable "kubeconfig_west" {
  description = "The kubeconfig of the cluster in the west."
  type        = string
}

module "east" {
  source  = "./team"
  cluster = cluster.east
  workers = 2
}

module "west" {
  source  = "./team"
  cluster = cluster.west
  workers = 1
}

# Whoever runs in the east finds both.
resource "config_map" "registry" {
  cluster   = cluster.east
  namespace = module.east.namespace
  name      = "ray-clusters"

  data = {
    east = module.east.address
    west = module.west.address
  }
}

output "addresses" {
  value = { east = module.east.address, west = module.west.address }
}
