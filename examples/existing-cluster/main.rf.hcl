# A Ray cluster in a cluster that others run: what is theirs is read, what kubectl made is taken over.

# The platform team made the namespace. It is read, never changed.
data "namespace" "ray" {
  name = "ray"

  lifecycle {
    postcondition {
      condition     = self.phase == "Active"
      error_message = "the namespace `ray` is being deleted"
    }
  }
}

# The storage class that claims get when they name none.
data "storage_class" "default" {}

# The nodes that are there decide how many workers make sense.
data "nodes" "ready" {}

locals {
  cpus    = [for node in data.nodes.ready.nodes : node.allocatable.cpu if node.ready && !node.unschedulable]
  workers = min(2, max(1, floor(sum([for cpu in local.cpus : quantity(cpu)]) / 4)))
}

# What `kubectl apply -f before.yaml` made, taken over object by object. The blocks may go once they have done their work.
import {
  for_each = toset(["ray-settings", "ray-jobs"])
  to       = config_map.taken[each.key]
  id       = "ray/${each.key}"
}

import {
  to = manifest.jobs_api
  id = "v1/Service/ray/ray-jobs"
}

resource "config_map" "taken" {
  for_each  = { ray-settings = { LOG_LEVEL = "info" }, ray-jobs = { owner = "team-a" } }
  namespace = data.namespace.ray.name
  name      = each.key
  data      = each.value
}

resource "manifest" "jobs_api" {
  object = {
    apiVersion = "v1"
    kind       = "Service"
    metadata   = { name = "ray-jobs", namespace = data.namespace.ray.name }
    spec = {
      selector = { "ray.io/cluster" = "main", "ray.io/node-type" = "head" }
      ports    = [{ name = "dashboard", port = 80, targetPort = 8265 }]
    }
  }
}

# What is new: the head that the Service has been waiting for, with its state on the default storage.
resource "redis" "gcs" {
  namespace = data.namespace.ray.name
  cpu       = 0.25

  storage {
    storage_class = data.storage_class.default.name
    size          = "1Gi"
  }
}

resource "ray_head" "main" {
  namespace = data.namespace.ray.name
  image     = "rayproject/ray:2.52.0"
  cpu       = 1
  memory    = "4Gi"

  auth {}

  gcs_fault_tolerance {
    redis = redis.gcs
  }
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = local.workers
  cpu      = 1
  memory   = "2Gi"
}

# Whether somebody quotas the namespace later is not ours to decide, but good to know.
check "owner" {
  assert {
    condition     = contains(keys(data.namespace.ray.labels), "team")
    error_message = "nobody says which team the namespace `ray` belongs to: the platform team labels it `team`"
  }
}

output "address" {
  value = ray_head.main.gcs_address
}
