# What the pipeline beside this file plans, applies and watches.

variable "image" {
  type    = string
  default = "rayproject/ray:2.52.0"
}

resource "namespace" "jobs" {
  name = "ray-jobs"
}

resource "ray_head" "jobs" {
  namespace = namespace.jobs.name
  image     = var.image
  cpu       = 2
  memory    = "8Gi"

  auth {}
}

resource "ray_worker_pool" "jobs" {
  head     = ray_head.jobs
  replicas = 2
  cpu      = 4
  memory   = "16Gi"
}
