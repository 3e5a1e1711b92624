# One Ray cluster with pools of different nodes: CPU on demand, CPU on spot, and one pool for each kind of GPU.

variable "ray_version" {
  type        = string
  default     = "2.52.0"
  description = "One version for all pods: Ray refuses nodes of another one."
}

variable "gpu_pools" {
  description = "By name: which nodes, how many workers, and what each of them takes."
  type = map(object({
    replicas    = number
    cpu         = number
    memory      = string
    gpu         = optional(number, 1)
    node_labels = optional(map(string), {})
  }))
  default = {
    a100 = { replicas = 2, cpu = 12, memory = "64Gi" }
    t4   = { replicas = 1, cpu = 4, memory = "16Gi", gpu = 2 }
  }
}

variable "spot_node_labels" {
  type        = map(string)
  default     = {}
  description = "The label of spot nodes. Empty: any node will do, as on the sandbox."
}

resource "namespace" "research" {
  quota {
    cpu    = 128
    memory = "512Gi"
    gpu    = 16
  }
}

# Work that may be interrupted gives way to work that may not.
resource "manifest" "batch_priority" {
  object = {
    apiVersion    = "scheduling.k8s.io/v1"
    kind          = "PriorityClass"
    metadata      = { name = "ray-batch" }
    value         = -10
    globalDefault = false
    description   = "Ray workers that can be taken away at any time."
  }
}

resource "redis" "gcs" {
  namespace = namespace.research.name

  storage {
    size = "8Gi"
  }
}

resource "ray_head" "main" {
  namespace = namespace.research.name
  image     = "rayproject/ray:${var.ray_version}"
  cpu       = 4
  memory    = "16Gi"

  gcs_fault_tolerance {
    redis = redis.gcs
  }

  auth {}
}

resource "ray_worker_pool" "cpu" {
  head     = ray_head.main
  replicas = 2
  cpu      = 8
  memory   = "32Gi"

  topology_spread_constraint {
    topology_key = "topology.kubernetes.io/zone"
  }
}

# Spot nodes go away within minutes: more of them, with nothing on them that cannot be computed again.
resource "ray_worker_pool" "spot" {
  head                             = ray_head.main
  replicas                         = 4
  cpu                              = 8
  memory                           = "32Gi"
  priority_class                   = "ray-batch"
  node_selector                    = var.spot_node_labels
  custom_resources                 = { spot = 1 }
  max_unavailable                  = "100%"
  termination_grace_period_seconds = 110
  depends_on                       = [manifest.batch_priority]

  toleration {
    key    = "karpenter.sh/disruption"
    effect = "NoSchedule"
  }
}

# `custom_resources` lets a task ask for one kind: `@ray.remote(num_gpus=1, resources={"a100": 0.1})`.
resource "ray_worker_pool" "gpu" {
  for_each = var.gpu_pools

  name             = each.key
  head             = ray_head.main
  image            = "rayproject/ray:${var.ray_version}-gpu"
  replicas         = each.value.replicas
  cpu              = each.value.cpu
  memory           = each.value.memory
  gpu              = each.value.gpu
  node_selector    = each.value.node_labels
  custom_resources = { (each.key) = 1 }

  toleration {
    key    = "nvidia.com/gpu"
    effect = "NoSchedule"
  }
}

output "gpus" {
  description = "GPUs of all pools together."
  value       = sum([for pool in var.gpu_pools : pool.replicas * pool.gpu])
}

output "client" {
  value = ray_head.main.client_url
}
