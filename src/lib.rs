//! rayform turns HCL files that describe Ray on Kubernetes into a running system.
mod cli;
mod cluster;
mod config;
mod eval;
mod model;
mod plan;
mod render;
mod resource;
mod sandbox;
mod ssa;
mod state;
mod workflow;
