//! The settings that every type with pods takes, and the pod templates that they become.
mod arguments;
mod checks;
mod container;
mod image;
mod patch;
mod placement;
mod probes;
mod template;
mod volumes;

pub(crate) use arguments::{PodArguments, PullPolicy, TolerationArguments};
pub(crate) use checks::check;
pub(crate) use container::{Environment, Resources, init_container};
pub(crate) use probes::{Probes, exec, http_get};
pub(crate) use template::{Main, pod_template};
