//! Stories: what a user does and what somebody else does meanwhile, told once and run twice,
//! on the sandbox and on a real kube-apiserver where its binaries are.
mod api;
mod clusters;
mod crash;
mod data;
mod drift;
mod examples;
mod fakelet;
mod faults;
mod first_steps;
mod folders;
mod modules;
mod objects;
mod public;
mod real;
mod records;
mod refactoring;
mod requests;
mod secrets;
mod tests;
mod trouble;
mod values;
mod world;

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Trial};

use real::ControlPlane;
use world::{Place, World};

/// A story that is told as it is written: its name, and what happens.
type Told = (&'static str, fn(&World));

/// A story: its name, and what happens.
#[derive(Clone)]
pub(crate) struct Story {
    name: String,
    tell: Arc<dyn Fn(&World) + Send + Sync>,
}

impl Story {
    pub(crate) fn new(name: impl Into<String>, tell: impl Fn(&World) + Send + Sync + 'static) -> Self {
        Self { name: name.into(), tell: Arc::new(tell) }
    }
}

/// Returns every story, by file; those of the examples one for each resource type.
fn stories() -> Vec<Story> {
    let told = [
        first_steps::STORIES,
        drift::STORIES,
        modules::STORIES,
        objects::STORIES,
        records::STORIES,
        refactoring::STORIES,
        secrets::STORIES,
        values::STORIES,
        trouble::STORIES,
        crash::STORIES,
        clusters::STORIES,
        data::STORIES,
        faults::STORIES,
        examples::STORIES,
        folders::STORIES,
        tests::STORIES,
        public::STORIES,
        requests::STORIES,
    ];
    let told = told.concat().into_iter().map(|(name, tell)| Story::new(name, tell));
    told.chain(examples::of_resource_types()).collect()
}

static PLANE: OnceLock<(std::path::PathBuf, bool)> = OnceLock::new();

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let assets = real::assets();
    let plane = assets.as_deref().filter(|_| !arguments.list).map(ControlPlane::start);
    if let Some(plane) = &plane {
        PLANE.get_or_init(|| (plane.kubeconfig(), plane.has_controllers));
    }
    let is_there = assets.is_some();
    let stories = stories();
    let trials = stories.iter().flat_map(|story| trials(story, is_there)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    report(plane.as_ref(), stories.len());
    drop(plane);
    conclusion.exit_code()
}

/// Says whether the stories ran on a real API server.
#[expect(clippy::print_stdout, reason = "a test runner prints what it did")]
fn report(plane: Option<&ControlPlane>, stories: usize) {
    match plane {
        Some(plane) => println!("conformance: {stories} stories ran on kube-apiserver {}", plane.version),
        None => println!("conformance: skipped, no kube-apiserver and etcd in KUBEBUILDER_ASSETS (see setup-envtest)"),
    }
}

/// Returns a story on the sandbox and, where there is one, on a real API server.
fn trials(story: &Story, is_real: bool) -> Vec<Trial> {
    let (name, tell) = (&story.name, Arc::clone(&story.tell));
    let sandbox = Trial::test(format!("{name}::sandbox"), move || {
        run(&Place::Sandbox, &*tell);
        Ok(())
    });
    let tell = Arc::clone(&story.tell);
    let real = Trial::test(format!("{name}::real"), move || {
        let (kubeconfig, has_controllers) = PLANE.get().cloned().expect("started before the stories");
        run(&Place::Real { kubeconfig, has_controllers }, &*tell);
        Ok(())
    });
    vec![sandbox, real.with_ignored_flag(!is_real)]
}

/// Tells a story in a world of its own.
fn run(place: &Place, tell: &dyn Fn(&World)) {
    tell(&World::new(place));
}
