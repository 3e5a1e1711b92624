//! `sandbox`: puts the sandbox on a loopback port, for `kubectl` and other tools.
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokio::net::TcpListener;

use super::arguments::Global;
use super::exit::{Exit, Failure};
use super::project;
use super::terminal::Terminal;
use crate::sandbox::{self, Sandbox as Server};

/// The API server inside of rayform, for other tools.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve it on a loopback port until Ctrl-C.
    Serve {
        /// Where to listen; only loopback addresses. Port 0 takes a free one.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8611")]
        listen: SocketAddr,
        /// Where the kubeconfig goes [default: kubeconfig in the sandbox's folder].
        #[arg(long, value_name = "FILE")]
        write_kubeconfig: Option<PathBuf>,
    },
}

impl Sandbox {
    pub(super) async fn run(&self, global: &Global, terminal: &mut Terminal) -> Result<Exit, Failure> {
        let Action::Serve { listen, write_kubeconfig } = &self.action;
        if !listen.ip().is_loopback() {
            return Err(Failure::refused(format!(
                "the sandbox asks nobody who they are: `{listen}` is no loopback address"
            )));
        }
        let folder = project::sandbox_folder(global).unwrap_or_else(|| global.chdir.join(".rayform/sandbox"));
        let server = Server::open(Some(&folder))?;
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let path = write_kubeconfig.clone().unwrap_or_else(|| folder.join("kubeconfig"));
        write(&path, &sandbox::kubeconfig(&url))?;
        terminal.message(&format!("The sandbox listens on {url}; its objects live in {}.\n", folder.display()));
        terminal.message(&format!("  export KUBECONFIG={}\n\nCtrl-C ends it.", path.display()));
        sandbox::serve(server, listener, interrupted()).await?;
        Ok(Exit::Done)
    }
}

/// Writes the kubeconfig whole, since others wait for it.
fn write(path: &std::path::Path, text: &str) -> Result<(), Failure> {
    let failed = |source| Failure::File { path: path.display().to_string(), source };
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

async fn interrupted() {
    // Without a handler there is nothing to wait for but the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
