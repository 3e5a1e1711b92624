# Labels as Karpenter and the NVIDIA GPU operator set them: `--var-file=karpenter.vars.hcl`.
spot_node_labels = { "karpenter.sh/capacity-type" = "spot" }

gpu_pools = {
  a100 = {
    replicas    = 2
    cpu         = 12
    memory      = "64Gi"
    node_labels = { "nvidia.com/gpu.product" = "NVIDIA-A100-SXM4-80GB" }
  }
  t4 = {
    replicas    = 1
    cpu         = 4
    memory      = "16Gi"
    gpu         = 2
    node_labels = { "nvidia.com/gpu.product" = "Tesla-T4" }
  }
}
