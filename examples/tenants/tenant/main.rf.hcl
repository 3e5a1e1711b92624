# One team: a namespace with a quota, a network of its own, and a Ray cluster.

variable "team" {
  type = string
}

variable "cpu" {
  type        = number
  description = "Cores that all pods of the team may request together."
}

variable "memory" {
  type        = string
  description = "Memory that all pods of the team may request together."
}

variable "gpu" {
  type    = number
  default = 0
}

variable "max_workers" {
  type    = number
  default = 4
}

resource "namespace" "this" {
  name   = "ray-${var.team}"
  labels = { team = var.team }

  quota {
    cpu    = var.cpu
    memory = var.memory
    gpu    = var.gpu
    pods   = var.max_workers + 10
  }

  # Containers that say nothing count as these, so that the quota does not refuse them.
  limits {
    default         = { cpu = "1", memory = "1Gi" }
    default_request = { cpu = "100m", memory = "256Mi" }
  }
}

# Pods of the team talk to each other, and to names; nobody from another namespace gets in.
resource "manifest" "isolation" {
  object = {
    apiVersion = "networking.k8s.io/v1"
    kind       = "NetworkPolicy"
    metadata   = { name = "only-this-team", namespace = namespace.this.name }
    spec = {
      podSelector = {}
      policyTypes = ["Ingress"]
      ingress     = [{ from = [{ podSelector = {} }] }]
    }
  }
}

resource "ray_head" "main" {
  namespace = namespace.this.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"

  auth {}
}

resource "ray_worker_pool" "cpu" {
  head   = ray_head.main
  cpu    = 4
  memory = "16Gi"
}

resource "horizontal_pod_autoscaler" "cpu" {
  target       = ray_worker_pool.cpu
  min_replicas = 1
  max_replicas = var.max_workers

  metric "memory" {
    average_utilization = 70
  }
}

resource "ray_worker_pool" "gpu" {
  count = var.gpu > 0 ? 1 : 0

  name     = "gpu"
  head     = ray_head.main
  image    = "rayproject/ray:2.52.0-gpu"
  replicas = var.gpu
  cpu      = 4
  memory   = "16Gi"
  gpu      = 1

  toleration {
    key    = "nvidia.com/gpu"
    effect = "NoSchedule"
  }
}

output "dashboard" {
  value = ray_head.main.dashboard_url
}
