# A Ray cluster that a Prometheus without operator watches: discovery, rules and a dashboard from one block.

resource "namespace" "ray" {
  name = "ray-observed"
}

resource "ray_head" "main" {
  namespace = namespace.ray.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 2
  memory    = "8Gi"

  # The dashboard shows Grafana's panels where it is told where Grafana and Prometheus are.
  env = {
    RAY_GRAFANA_HOST        = "http://grafana.monitoring.svc.cluster.local:3000"
    RAY_GRAFANA_IFRAME_HOST = "https://grafana.example.com"
    RAY_PROMETHEUS_HOST     = "http://prometheus.monitoring.svc.cluster.local:9090"
  }

  # Closed to all but Prometheus, and to it only where metrics are.
  network_policy {
    allow_from {
      namespace = "monitoring"
      ports     = ["metrics"]
    }
  }
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = 2
  cpu      = 2
  memory   = "8Gi"
}

resource "prometheus_discovery" "main" {
  head = ray_head.main

  scrape_config {
    interval        = "15s"
    service_account = "monitoring/prometheus"
  }

  rules {
    alert_labels         = { team = "ml-platform" }
    object_store_percent = 80
  }

  dashboard {}
}

output "prometheus_files" {
  description = "Mount this ConfigMap into Prometheus: `scrape_config_files` and `rule_files` point at its keys."
  value       = "${prometheus_discovery.main.namespace}/${prometheus_discovery.main.config_map}"
}
