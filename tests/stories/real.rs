//! A real control plane on loopback: etcd, kube-apiserver and, where present, the controllers.
//!
//! The binaries are found as the ecosystem finds them: `KUBEBUILDER_ASSETS`, else
//! `/usr/local/kubebuilder/bin`; `setup-envtest` puts them there.
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use crate::api::Api;
use crate::fakelet::Fakelet;

/// A running control plane; dropping it stops it.
pub(crate) struct ControlPlane {
    folder: tempfile::TempDir,
    children: Vec<Child>,
    fakelet: Option<Fakelet>,
    pub(crate) has_controllers: bool,
    pub(crate) version: String,
}

/// Returns the folder with the binaries, where there is one.
pub(crate) fn assets() -> Option<PathBuf> {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS").map_or("/usr/local/kubebuilder/bin".into(), PathBuf::from);
    let has = |name: &str| folder.join(name).is_file();
    (has("kube-apiserver") && has("etcd")).then_some(folder)
}

impl ControlPlane {
    /// Starts everything and returns when the API server says that it is ready.
    pub(crate) fn start(assets: &Path) -> Self {
        let mut plane = Self::start_without_controllers(assets);
        plane.fakelet = Some(Fakelet::start(&plane.kubeconfig()));
        plane.has_controllers =
            assets.join("kube-controller-manager").is_file() && assets.join("kube-scheduler").is_file();
        if plane.has_controllers {
            plane.start_controllers(assets);
        }
        plane
    }

    /// Starts etcd and the API server alone, and returns when it says that it is ready.
    pub(crate) fn start_without_controllers(assets: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [etcd, peer, port] = free_ports();
        let mut plane =
            Self { children: Vec::new(), fakelet: None, has_controllers: false, version: version(assets), folder };
        plane.write_files(port);
        plane.start_etcd(assets, etcd, peer);
        plane.start_apiserver(assets, etcd, port);
        Api::new(&plane.kubeconfig()).wait_until_ready();
        plane
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn write_files(&self, port: u16) {
        let write = |name: &str, text: String| std::fs::write(self.folder.path().join(name), text).expect("written");
        write("tokens.csv", "admintoken,admin,admin,\"system:masters\"\n".to_owned());
        let (private, public) = signing_keys();
        write("sa.key", private);
        write("sa.pub", public);
        write("kubeconfig", kubeconfig(&format!("https://127.0.0.1:{port}")));
    }

    fn start_etcd(&mut self, assets: &Path, port: u16, peer: u16) {
        let (url, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer}"));
        let data = self.folder.path().join("etcd");
        let mut command = Command::new(assets.join("etcd"));
        command.arg("--data-dir").arg(data).arg("--unsafe-no-fsync");
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url, "--listen-peer-urls", &peer]);
        self.spawn("etcd", command);
    }

    fn start_apiserver(&mut self, assets: &Path, etcd: u16, port: u16) {
        let mut command = Command::new(assets.join("kube-apiserver"));
        command.args([
            &format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            &format!("--secure-port={port}"),
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--cert-dir=certs",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-key-file=sa.pub",
            "--service-account-signing-key-file=sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
            "--endpoint-reconciler-type=none",
            "--allow-privileged=true",
        ]);
        self.spawn("kube-apiserver", command);
    }

    fn start_controllers(&mut self, assets: &Path) {
        let mut manager = Command::new(assets.join("kube-controller-manager"));
        manager.args(["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0"]);
        manager.args(["--service-account-private-key-file=sa.key", "--use-service-account-credentials=false"]);
        self.spawn("kube-controller-manager", manager);
        let mut scheduler = Command::new(assets.join("kube-scheduler"));
        scheduler.args(["--kubeconfig=kubeconfig", "--leader-elect=false", "--secure-port=0"]);
        self.spawn("kube-scheduler", scheduler);
    }

    /// Starts a server in the folder, its output in a file.
    fn spawn(&mut self, name: &str, mut command: Command) {
        let log = File::create(self.folder.path().join(format!("{name}.log"))).expect("a log file");
        let errors = log.try_clone().expect("the same file");
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(log).stderr(errors);
        self.children.push(command.spawn().unwrap_or_else(|error| panic!("{name}: {error}")));
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.fakelet.take();
        // The API server before etcd: it hangs when etcd is gone first.
        for child in self.children.iter_mut().rev() {
            child.kill().expect("started by us");
            child.wait().expect("started by us");
        }
    }
}

fn version(assets: &Path) -> String {
    let output = Command::new(assets.join("kube-apiserver")).arg("--version").output().expect("it runs");
    String::from_utf8_lossy(&output.stdout).trim().replace("Kubernetes ", "")
}

/// Returns ports that nobody listens on.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] = std::array::from_fn(|_| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

/// Returns a fresh pair of keys for service account tokens: PKCS #8, and PKIX.
fn signing_keys() -> (String, String) {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random).expect("made just now");
    let public = [&PKIX_P256[..], pair.public_key().as_ref()].concat();
    (pem("PRIVATE KEY", private.as_ref()), pem("PUBLIC KEY", &public))
}

/// What stands before the point of a P-256 key in PKIX (RFC 5480).
const PKIX_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

fn pem(label: &str, bytes: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn kubeconfig(server: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: real, cluster: {{server: \"{server}\", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: admintoken}}}}]
contexts: [{{name: real, context: {{cluster: real, user: admin}}}}]
current-context: real
"
    )
}
