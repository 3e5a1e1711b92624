//! Stages joined to the cluster: refresh, apply, wait.
