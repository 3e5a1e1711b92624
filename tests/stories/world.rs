//! A story's world: a folder with a configuration, a cluster, and somebody else who works on it.
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use http::Method;
use serde_json::{Value, json};

use crate::api::Api;

/// Which API server a story runs against.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// `rayform sandbox serve`, one for each story.
    Sandbox,
    /// A real control plane, shared by all stories.
    Real { kubeconfig: PathBuf, has_controllers: bool },
}

/// Everything that a story works with. Texts may say `{n}`: a name of the story's own.
pub(crate) struct World {
    pub(crate) place: Place,
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
    api: Api,
    /// Makes names of cluster-scoped objects unique among stories on one server.
    name: String,
    server: Mutex<Option<Child>>,
}

/// How a run of rayform ended, with everything that differs from run to run masked.
#[derive(Debug)]
#[must_use = "look at the exit code or compare the output"]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl World {
    pub(crate) fn new(place: &Place) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let name = format!("s{}x{}", COUNT.fetch_add(1, Ordering::Relaxed), std::process::id() % 1000);
        let (kubeconfig, server) = match place {
            Place::Real { kubeconfig, .. } => (kubeconfig.clone(), None),
            Place::Sandbox => {
                let kubeconfig = folder.path().join("kubeconfig");
                let child = serve_sandbox(folder.path(), "127.0.0.1:0");
                crate::api::wait_for("the sandbox", || kubeconfig.exists());
                (kubeconfig, Some(child))
            }
        };
        let api = Api::new(&kubeconfig);
        api.wait_until_ready();
        std::fs::create_dir(folder.path().join("work")).expect("a folder");
        Self { place: place.clone(), folder, kubeconfig, api, name, server: Mutex::new(server) }
    }

    /// Ends the sandbox's server, without a word to anybody.
    pub(crate) fn stop_sandbox(&self) {
        if let Some(mut server) = self.server.lock().expect("no holder of this lock panics").take() {
            server.kill().expect("started by us");
            server.wait().expect("started by us");
        }
    }

    /// Returns host and port of the API server.
    pub(crate) fn address(&self) -> String {
        let kubeconfig = self.kubeconfig();
        let port = regex::Regex::new(r"127\.0\.0\.1:\d+").expect("a pattern");
        port.find(&kubeconfig).expect("an address").as_str().to_owned()
    }

    /// Returns the place of the kubeconfig.
    pub(crate) fn kubeconfig_file(&self) -> &Path {
        &self.kubeconfig
    }

    /// Returns the text of the kubeconfig.
    pub(crate) fn kubeconfig(&self) -> String {
        std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig")
    }

    /// Starts the sandbox's server again where it was, with faults as in `sandbox/faults.rs`.
    pub(crate) fn start_sandbox(&self, faults: &Value) {
        std::fs::write(self.folder.path().join("sandbox/faults.json"), faults.to_string()).expect("written");
        let child = serve_sandbox(self.folder.path(), &self.address());
        *self.server.lock().expect("no holder of this lock panics") = Some(child);
        self.api.wait_until_ready();
    }

    /// Returns the folder of the configuration.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Returns the text with `{n}` filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        text.replace("{n}", &self.name)
    }

    /// Writes a file of the configuration.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), self.fill(text)).expect("written");
    }

    /// Writes the configuration of the story.
    pub(crate) fn configure(&self, text: &str) {
        self.write("main.rf.hcl", text);
    }

    /// Returns a command that runs rayform in the folder against the cluster.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
        command.current_dir(self.folder()).args(self.fill(line).split_whitespace());
        command.env_clear().env("HOME", self.folder.path()).env("KUBECONFIG", &self.kubeconfig);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    /// Runs rayform to its end.
    pub(crate) fn rayform(&self, line: &str) -> Run {
        let output = self.command(line).output().expect("it runs");
        let text = |bytes: &[u8]| self.mask(&String::from_utf8_lossy(bytes));
        Run { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Applies without asking, and expects that it works.
    #[track_caller]
    pub(crate) fn apply(&self) -> Run {
        let run = self.rayform("apply --auto-approve --timeout=90s");
        assert_eq!(run.code, 0, "{run}");
        run
    }

    /// Expects that a plan has nothing to do.
    #[track_caller]
    pub(crate) fn expect_no_changes(&self) {
        let run = self.rayform("plan --detailed-exitcode");
        assert_eq!(run.code, 0, "{run}");
        assert!(run.stdout.contains("No changes"), "{run}");
    }

    /// Returns a live object by its path, which may say `{n}`.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.api.get(&self.fill(path))
    }

    /// Returns the items of a list.
    pub(crate) fn items(&self, path: &str) -> Vec<Value> {
        self.api.items(&self.fill(path))
    }

    /// Sends a merge patch as somebody else, such as `kubectl-edit`.
    #[track_caller]
    pub(crate) fn merge_as(&self, manager: &str, path: &str, patch: &Value) {
        let path = format!("{}?fieldManager={manager}", self.fill(path));
        let result = self.api.send(Method::PATCH, &path, "application/merge-patch+json", &self.fill_json(patch));
        result.expect("the patch is accepted");
    }

    /// Applies by force as somebody else.
    #[track_caller]
    pub(crate) fn force_as(&self, manager: &str, path: &str, object: &Value) {
        let path = format!("{}?fieldManager={manager}&force=true", self.fill(path));
        let result = self.api.send(Method::PATCH, &path, "application/apply-patch+yaml", &self.fill_json(object));
        result.expect("the apply is accepted");
    }

    /// Creates an object as somebody else.
    #[track_caller]
    pub(crate) fn create_as(&self, manager: &str, path: &str, object: &Value) {
        let path = format!("{}?fieldManager={manager}", self.fill(path));
        let result = self.api.send(Method::POST, &path, "application/json", &self.fill_json(object));
        result.expect("the object is accepted");
    }

    /// Sets the number of replicas as `kubectl scale` does.
    #[track_caller]
    pub(crate) fn scale(&self, path: &str, replicas: u32) {
        self.merge_as("kubectl", &format!("{path}/scale"), &json!({"spec": {"replicas": replicas}}));
    }

    /// Deletes an object as somebody else, and waits until it is gone.
    pub(crate) fn delete(&self, path: &str) {
        let path = self.fill(path);
        self.api.delete(&path, &json!({}));
        self.wait_for("the end of the object", || self.api.get(&path).is_none());
    }

    /// Looks again and again until something is true.
    #[expect(clippy::unused_self, reason = "reads as a sentence in stories")]
    pub(crate) fn wait_for(&self, what: &str, is_true: impl Fn() -> bool) {
        crate::api::wait_for(what, is_true);
    }

    /// Tells whether somebody makes pods of Deployments here.
    pub(crate) fn has_controllers(&self) -> bool {
        match self.place {
            Place::Sandbox => true,
            Place::Real { has_controllers, .. } => has_controllers,
        }
    }

    fn fill_json(&self, value: &Value) -> Value {
        serde_json::from_str(&self.fill(&value.to_string())).expect("still JSON")
    }

    /// Hides what differs from run to run.
    fn mask(&self, text: &str) -> String {
        let text = text.replace(&self.name, "{n}");
        let text = MASKS.iter().fold(text, |text, (pattern, mask)| {
            regex::Regex::new(pattern).expect("a pattern").replace_all(&text, *mask).into_owned()
        });
        text.replace(&self.folder.path().display().to_string(), "[FOLDER]")
    }
}

/// What differs from run to run, and what stands in its place.
const MASKS: [(&str, &str); 7] = [
    (r"https?://127\.0\.0\.1:\d+", "[SERVER]"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[UID]"),
    (r"after \d+(m\d+)?s", "after [SECONDS]s"),
    (r"\(context [a-z-]+\)", "(context [CONTEXT])"),
    (r"checksum/([a-z-]+): [0-9a-f]{16,64}", "checksum/$1: [HASH]"),
    (r"sha256:[0-9a-f]{64}", "sha256:[HASH]"),
];

/// A sandbox beside the story's cluster: another cluster.
pub(crate) struct Another {
    /// Where it keeps its objects and its kubeconfig.
    _folder: tempfile::TempDir,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) api: Api,
    server: Child,
}

impl Another {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = serve_sandbox(folder.path(), "127.0.0.1:0");
        let kubeconfig = folder.path().join("kubeconfig");
        crate::api::wait_for("the sandbox", || kubeconfig.exists());
        let api = Api::new(&kubeconfig);
        api.wait_until_ready();
        Self { _folder: folder, kubeconfig, api, server }
    }
}

impl Drop for Another {
    fn drop(&mut self) {
        self.server.kill().expect("started by us");
        self.server.wait().expect("started by us");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop_sandbox();
    }
}

/// Starts a sandbox; it writes its kubeconfig when it listens.
fn serve_sandbox(folder: &Path, address: &str) -> Child {
    let kubeconfig = folder.join("kubeconfig");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rayform"));
    command.arg(format!("--sandbox={}", folder.join("sandbox").display())).args(["sandbox", "serve", "--listen"]);
    command.arg(address).arg("--write-kubeconfig").arg(&kubeconfig);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("it runs")
}
