variable "workers" {
  description = "How many workers there are."
  type        = number
}

resource "namespace" "team" {
  name = "team-a"
}

resource "ray_head" "main" {
  namespace = namespace.team.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 1
  memory    = "4Gi"

  auth {}
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = var.workers
  cpu      = 1
  memory   = "2Gi"
}

output "namespace" {
  value = namespace.team.name
}

output "address" {
  value = ray_head.main.gcs_address
}
