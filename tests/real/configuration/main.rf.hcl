# What tests/real/run renders and then runs, part by part, on one machine.
resource "namespace" "real" {
  name = "real"
}

resource "redis" "gcs" {
  namespace = namespace.real.name

  storage {
    size = "1Gi"
  }
}

resource "ray_head" "main" {
  namespace = namespace.real.name
  image     = "rayproject/ray:2.52.0-py311"
  cpu       = 2
  memory    = "4Gi"

  auth {
  }

  gcs_fault_tolerance {
    redis = redis.gcs
  }
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = 1
  cpu      = 1
  memory   = "2Gi"
}

resource "prometheus_discovery" "main" {
  head = ray_head.main

  scrape_config {
    interval = "10s"
  }

  file_sd {
    interval = "10s"
  }

  rules {
  }

  dashboard {
  }
}
