variable "ray_image" {
  type    = string
  default = "rayproject/ray:2.52.0"
}

resource "namespace" "team_a" {
  name = "team-a"
  quota {
    cpu    = 64
    memory = "256Gi"
    pods   = 50
  }
}

resource "storage_class" "ssd" {
  name                   = "ray-ssd"
  provisioner            = "ebs.csi.aws.com"
  parameters             = { type = "gp3" }
  volume_binding_mode    = "WaitForFirstConsumer"
  reclaim_policy         = "Retain"
  allow_volume_expansion = true
}

resource "redis" "gcs" {
  namespace = namespace.team_a.name
  storage {
    storage_class = storage_class.ssd.name
    size          = "8Gi"
  }
}

resource "ray_head" "main" {
  namespace = namespace.team_a.name
  image     = var.ray_image
  cpu       = 2
  memory    = "8Gi"

  gcs_fault_tolerance {
    redis = redis.gcs
  }
}

resource "ray_worker_pool" "cpu" {
  head   = ray_head.main
  cpu    = 4
  memory = "16Gi"
}

resource "horizontal_pod_autoscaler" "cpu" {
  target       = ray_worker_pool.cpu
  min_replicas = 1
  max_replicas = 10

  metric "memory" {
    average_utilization = 70
  }
}

resource "prometheus_discovery" "main" {
  head = ray_head.main

  pod_monitor {
    labels = { release = "prometheus" }
  }
}

output "dashboard" {
  value = ray_head.main.dashboard_url
}
