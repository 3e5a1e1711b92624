//! The only door to Kubernetes: connect, discover, list, get, dry-run, apply, delete, watch.
