//! Against a real API server: plan and apply beside the bare requests, and beside `kubectl`.
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::api::Api;
use crate::engine;
use crate::floor;
use crate::measure::{self, Cost, Report, in_turn, megabytes, run, seconds, tell};
use crate::real::{ControlPlane, assets};

const NAMESPACES: usize = 10;
const ROUNDS: usize = 7;
const APPLIES: usize = 3;
/// The three kinds: path, and how the body goes on.
const KINDS: [(&str, &str, &str); 3] =
    [("v1", "ConfigMap", "configmaps"), ("v1", "ServiceAccount", "serviceaccounts"), ("v1", "Service", "services")];

/// An API server, and a folder with a configuration of many objects on it.
struct Bench {
    plane: ControlPlane,
    folder: tempfile::TempDir,
    objects: Vec<Value>,
}

impl Bench {
    /// Starts a server with namespaces; nothing where there are no binaries.
    fn start(count: usize) -> Option<Self> {
        let Some(assets) = assets() else {
            tell("skipped: no kube-apiserver and etcd in KUBEBUILDER_ASSETS (see setup-envtest)");
            return None;
        };
        let plane = ControlPlane::start_without_controllers(&assets);
        let bench = Self { plane, folder: tempfile::tempdir().expect("a folder"), objects: objects(count, "bench") };
        let api = Api::new(&bench.kubeconfig());
        for number in 0..NAMESPACES {
            api.post(
                "/api/v1/namespaces",
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("bench-{number}")}}),
            );
        }
        bench.configure();
        Some(bench)
    }

    fn kubeconfig(&self) -> PathBuf {
        self.plane.kubeconfig()
    }

    /// Writes the same objects for rayform, a resource each, and for kubectl, a document each.
    fn configure(&self) {
        let (mut text, mut documents) = (String::new(), String::new());
        for (index, object) in self.objects.iter().enumerate() {
            writeln!(text, "resource \"manifest\" \"m{index}\" {{\n  wait   = false\n  object = {object}\n}}\n")
                .expect("a text grows");
            writeln!(documents, "---\n{object}").expect("a text grows");
        }
        std::fs::write(self.folder.path().join("main.rf.hcl"), text).expect("written");
        std::fs::write(self.folder.path().join("all.yaml"), documents).expect("written");
    }

    /// Describes other objects in namespaces that are not there yet, in a folder of its own.
    fn begin_anew(&mut self, round: usize) {
        let namespaces = format!("fresh-{round}");
        self.folder = tempfile::tempdir().expect("a folder");
        self.objects = objects(self.objects.len(), &namespaces);
        self.configure();
        let namespace = |number: usize| {
            format!("resource \"namespace\" \"n{number}\" {{\n  name = \"{namespaces}-{number}\"\n}}\n\n")
        };
        let text: String = (0..NAMESPACES).map(namespace).collect();
        std::fs::write(self.folder.path().join("namespaces.rf.hcl"), text).expect("written");
    }

    fn rayform(&self, arguments: &[&str]) -> Command {
        let mut command = engine::rayform(self.folder.path(), arguments);
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }

    fn apply(&self) -> Cost {
        run(self.rayform(&["apply", "--auto-approve"]), &[0])
    }

    fn plan(&self) -> Cost {
        run(self.rayform(&["plan", "--detailed-exitcode"]), &[0])
    }

    fn floor(&self, verb: &str, rest: &[String]) -> Cost {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.arg(floor::NAME).arg(self.kubeconfig()).arg(verb).args(rest);
        run(command, &[0])
    }

    /// `verb` is `lists`, with a connection for each, or `lists-sharing`.
    fn lists(&self, verb: &str) -> Cost {
        let path = |number: usize, plural: &str| format!("/api/v1/namespaces/bench-{number}/{plural}?limit=500");
        let paths: Vec<String> =
            (0..NAMESPACES).flat_map(|number| KINDS.map(|(_, _, plural)| path(number, plural))).collect();
        self.floor(verb, &paths)
    }

    /// Patches the same objects under other names, so that they are new as well.
    fn patches(&self, round: usize) -> Cost {
        let file = self.folder.path().join("patches");
        let line = |object: &Value| {
            let mut object = object.clone();
            let name = format!("{}-floor-{round}", object["metadata"]["name"].as_str().expect("a name"));
            object["metadata"]["name"] = Value::from(name.as_str());
            let (_, _, plural) = KINDS.iter().find(|(_, kind, _)| object["kind"] == *kind).expect("one of the kinds");
            let namespace = object["metadata"]["namespace"].as_str().expect("a namespace");
            format!("/api/v1/namespaces/{namespace}/{plural}/{name}?fieldManager=floor {object}\n")
        };
        std::fs::write(&file, self.objects.iter().map(line).collect::<String>()).expect("written");
        self.floor("patches", &[file.display().to_string()])
    }

    fn destroy(&self) {
        run(self.rayform(&["destroy", "--auto-approve"]), &[0]);
    }
}

/// Returns small objects of three kinds, spread over the namespaces.
fn objects(count: usize, namespaces: &str) -> Vec<Value> {
    let object = |index: usize| {
        let (version, kind, _) = KINDS[index % KINDS.len()];
        let metadata = json!({
            "name": format!("o{index}"), "namespace": format!("{namespaces}-{}", index / KINDS.len() % NAMESPACES),
            "labels": {"app": format!("a{}", index % 7)},
        });
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": metadata});
        match kind {
            "ConfigMap" => object["data"] = json!({"a": format!("value {index}"), "b": "x".repeat(100)}),
            "Service" => object["spec"] = json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]}),
            _ => {}
        }
        object
    };
    (0..count).map(object).collect()
}

/// Plans with no changes, 1,000 objects in 10 namespaces and 3 kinds.
pub(crate) fn plan(report: &mut Report) {
    let Some(bench) = Bench::start(1_000) else { return };
    bench.apply();
    let (plan, lists) = in_turn(ROUNDS, || bench.plan(), || bench.lists("lists"));
    tell(&format!("plan {:.3} s, LISTs {:.3} s", seconds(plan.wall), seconds(lists.wall)));
    let sharing = measure::median((0..ROUNDS).map(|_| bench.lists("lists-sharing")).collect());
    let ratio = seconds(plan.wall) / seconds(sharing.wall);
    tell(&format!(
        "against LISTs that share a connection, as rayform's do ({:.3} s): {ratio:.2} x",
        seconds(sharing.wall)
    ));
    report.at_most("plan of 1,000 objects against their LISTs", seconds(plan.wall) / seconds(lists.wall), " x", 2.5);
    report.at_most("the same: peak memory", megabytes(plan.memory), " MB", 100.0);
    let diff = run(bench.kubectl_diff(), &[0, 1]);
    tell(&format!("kubectl diff --server-side {:.1} s", seconds(diff.wall)));
    report.at_least(
        "`kubectl diff --server-side` against the plan",
        seconds(diff.wall) / seconds(plan.wall),
        " x",
        20.0,
    );
}

impl Bench {
    fn kubectl_diff(&self) -> Command {
        let mut command = Command::new("kubectl");
        command
            .args(["diff", "--server-side", "--field-manager=rayform", "-f"])
            .arg(self.folder.path().join("all.yaml"));
        command.env("KUBECONFIG", self.kubeconfig());
        command
    }
}

/// Counts the requests of that plan.
pub(crate) fn requests(report: &mut Report) {
    let Some(bench) = Bench::start(1_000) else { return };
    bench.apply();
    let (count, folder) = (Arc::new(AtomicUsize::new(0)), tempfile::tempdir().expect("a folder"));
    let kubeconfig = counting_proxy(&bench.kubeconfig(), folder.path(), &count);
    let mut command = bench.rayform(&["plan", "--detailed-exitcode"]);
    command.env("KUBECONFIG", kubeconfig);
    run(command, &[0]);
    let (made, lists) = (count.load(Ordering::Relaxed), NAMESPACES * KINDS.len());
    tell(&format!("{made} requests for {lists} kinds and namespaces"));
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    report.at_most("requests beside one LIST per kind and namespace", made.saturating_sub(lists) as f64, "", 5.0);
}

/// Starts a plain server that passes everything on and counts; returns a kubeconfig that leads to it.
fn counting_proxy(kubeconfig: &Path, folder: &Path, count: &Arc<AtomicUsize>) -> PathBuf {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a setting");
    let port = listener.local_addr().expect("bound").port();
    let (kubeconfig, count) = (kubeconfig.to_owned(), Arc::clone(count));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let client = floor::client(&kubeconfig).await;
            let pass = move |request: Request| pass(client.clone(), Arc::clone(&count), request);
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            axum::serve(listener, Router::new().fallback(pass)).await.expect("it serves");
        });
    });
    let path = folder.join("kubeconfig");
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: c, user: u}}}}], \
         clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}], users: [{{name: u, user: {{}}}}]}}"
    );
    std::fs::write(&path, text).expect("written");
    path
}

async fn pass(client: kube::Client, count: Arc<AtomicUsize>, request: Request) -> Response {
    count.fetch_add(1, Ordering::Relaxed);
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    let mut request =
        http::Request::builder().method(parts.method).uri(parts.uri.path_and_query().expect("a path").as_str());
    for name in ["accept", "content-type"] {
        if let Some(value) = parts.headers.get(name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(kube::client::Body::from(bytes)).expect("a request");
    match client.send(request).await {
        Ok(answer) => {
            let (parts, body) = answer.into_parts();
            let bytes = body.collect_bytes().await.unwrap_or_default();
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = parts.status;
            if let Some(value) = parts.headers.get("content-type") {
                response.headers_mut().insert("content-type", value.clone());
            }
            response
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Applies 1,000 new small objects, and sends the same patches, 32 at a time.
///
/// Into namespaces that are there, a plan lets the server try each new object: two requests for one of the floor. A
/// first apply, which makes the namespaces as well, has nobody to ask before.
pub(crate) fn apply(report: &mut Report) {
    let Some(mut bench) = Bench::start(1_000) else { return };
    let mut round = 0;
    let create = || {
        let cost = bench.apply();
        bench.destroy();
        cost
    };
    let patch = || {
        round += 1;
        bench.patches(round)
    };
    let (apply, patches) = in_turn(APPLIES, create, patch);
    let plan = measure::median((0..APPLIES).map(|_| run(bench.rayform(&["plan"]), &[0])).collect());
    tell(&format!(
        "apply {:.2} s, of which the plan with its dry-runs {:.2} s, PATCHes {:.2} s",
        seconds(apply.wall),
        seconds(plan.wall),
        seconds(patches.wall)
    ));
    report.at_most(
        "apply of 1,000 objects against their PATCHes",
        seconds(apply.wall) / seconds(patches.wall),
        " x",
        1.5,
    );
    let firsts = (0..APPLIES).map(|round| {
        bench.begin_anew(round);
        (bench.apply(), bench.patches(round))
    });
    let (applies, patches): (Vec<Cost>, Vec<Cost>) = firsts.unzip();
    let (apply, patches) = (measure::median(applies), measure::median(patches));
    tell(&format!("first apply {:.2} s, PATCHes {:.2} s", seconds(apply.wall), seconds(patches.wall)));
    report.at_most("the same with their namespaces", seconds(apply.wall) / seconds(patches.wall), " x", 1.5);
}

/// Plans and applies 1,000, 3,000 and 10,000 objects.
pub(crate) fn growth(report: &mut Report) {
    let costs: Vec<(Cost, Cost)> = [1_000, 3_000, 10_000]
        .into_iter()
        .filter_map(|count| {
            let bench = Bench::start(count)?;
            let apply = bench.apply();
            let plan = in_turn(3, || bench.plan(), || bench.lists("lists")).0;
            tell(&format!(
                "{count}: apply {:.2} s, plan {:.2} s, {:.0} MB",
                seconds(apply.wall),
                seconds(plan.wall),
                megabytes(plan.memory)
            ));
            Some((apply, plan))
        })
        .collect();
    let [_, (apply_3, plan_3), (apply_10, plan_10)] = costs[..] else { return };
    report.at_most(
        "apply: 10,000 against 3,000",
        seconds(apply_10.wall) / seconds(apply_3.wall),
        " x",
        10.0 / 3.0 * 1.2,
    );
    report.at_most("plan: 10,000 against 3,000", seconds(plan_10.wall) / seconds(plan_3.wall), " x", 10.0 / 3.0 * 1.2);
}

/// What one change costs, among 100 and among 10,000: CPU time, and bytes written to disk and network.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(crate) fn journal(report: &mut Report) {
    let per_change = |count: usize| {
        let cost = Bench::start(count).map(|bench| bench.apply())?;
        let (cpu, written) = (seconds(cost.cpu) * 1000.0 / count as f64, cost.written as f64 / count as f64);
        tell(&format!("{count}: {cpu:.2} ms of CPU and {written:.0} bytes written for each change"));
        Some(written)
    };
    let (Some(few), Some(many)) = (per_change(100), per_change(10_000)) else { return };
    report.at_most("bytes written for a change: 10,000 against 100", many / few, " x", 1.2);
}
