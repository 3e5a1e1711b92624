//! A saved plan: what was decided and what it relied on, without any secret.
//!
//! Carrying it out plans again with the same settings and compares fingerprints: what the plan relied
//! on, for each object its uid, the fields that it looked at and what it does, is in them.
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::arguments::{OnConflict, Planning};
use super::exit::Failure;
use super::planning::Planned;
use super::project;
use super::show::Format;
use crate::model::{ClusterIdentity, ClusterName, Target};
use crate::plan::{self, Mode, PlannedCluster};
use crate::render::{self, View};

/// The newest format that this rayform knows.
const FORMAT: u64 = 2;

/// What a plan file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SavedPlan {
    rayform_plan: u64,
    created: String,
    lineage: String,
    /// Of the state, which a first run does not find on disk.
    salt: String,
    serial: u64,
    clusters: Vec<SavedCluster>,
    settings: Settings,
    /// By address: a digest of what happens to the resource and of what that relies on.
    fingerprints: BTreeMap<String, String>,
    /// The plan as it was shown, in every form.
    text: String,
    json: String,
    markdown: String,
    html: String,
}

/// A cluster that the plan is for.
#[derive(Debug, Serialize, Deserialize)]
struct SavedCluster {
    name: ClusterName,
    #[serde(flatten)]
    identity: ClusterIdentity,
}

/// The flags that the plan was made with. Values of sensitive variables are left out.
#[derive(Debug, Serialize, Deserialize)]
struct Settings {
    mode: String,
    variables: Vec<String>,
    variable_files: Vec<std::path::PathBuf>,
    variable_order: Vec<bool>,
    targets: Vec<String>,
    excludes: Vec<String>,
    replace: Vec<String>,
    refresh: bool,
    on_conflict: String,
    adopt: bool,
    allow_data_loss: bool,
}

impl SavedPlan {
    pub(super) fn new(planned: &Planned, planning: &Planning) -> Self {
        let plan = &planned.plan;
        let cluster = |(name, planned): (&ClusterName, &PlannedCluster)| SavedCluster {
            name: name.clone(),
            identity: planned.identity.clone(),
        };
        Self {
            rayform_plan: FORMAT,
            created: project::now(),
            lineage: plan.lineage.clone(),
            salt: planned.state.salt.clone(),
            serial: plan.serial,
            clusters: plan.clusters.iter().map(cluster).collect(),
            settings: Settings::new(planned, planning),
            fingerprints: fingerprints(planned),
            text: render::text::plan(plan, View::plain()),
            json: render::json::plan(plan),
            markdown: render::markdown::plan(plan),
            html: render::html::plan(plan),
        }
    }

    /// Writes the file whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = |source| Failure::File { path: path.display().to_string(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer(&mut file, self).map_err(|error| failed(error.into()))?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::File { path: path.display().to_string(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let hint = "`rayform plan --out FILE` writes one";
        let saved: Self = serde_json::from_str(&text).map_err(|error| {
            Failure::refused_with(format!("`{}` is no plan of this rayform: {error}", path.display()), hint)
        })?;
        if saved.rayform_plan != FORMAT {
            let message = format!("the plan has format {}, this rayform knows {FORMAT}", saved.rayform_plan);
            return Err(Failure::refused(message));
        }
        Ok(saved)
    }

    /// Returns the flags to plan again with; how to lock is this run's own.
    pub(super) fn planning(&self, own: &Planning) -> (Planning, Mode) {
        let settings = &self.settings;
        let targets = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        let mut variables = own.variables.clone();
        variables.values = [settings.variables.clone(), variables.values].concat();
        variables.files = [settings.variable_files.clone(), variables.files].concat();
        variables.order = [settings.variable_order.clone(), variables.order].concat();
        let mode = match settings.mode.as_str() {
            "destroy" => Mode::Destroy,
            "refresh_only" => Mode::RefreshOnly,
            _ => Mode::Apply,
        };
        let planning = Planning {
            variables,
            targets: targets(&settings.targets),
            excludes: targets(&settings.excludes),
            replace: settings.replace.iter().filter_map(|text| text.parse().ok()).collect(),
            refresh: settings.refresh,
            refresh_only: mode == Mode::RefreshOnly,
            destroy: mode == Mode::Destroy,
            on_conflict: on_conflict(&settings.on_conflict),
            adopt: settings.adopt,
            imports: Vec::new(),
            first: Some((self.lineage.clone(), self.salt.clone())),
            allow_data_loss: settings.allow_data_loss,
            locking: own.locking.clone(),
        };
        (planning, mode)
    }

    /// Refuses when anything that the plan relied on is not as it was.
    pub(super) fn check(&self, planned: &Planned) -> Result<(), Failure> {
        let is_same = |saved: &&SavedCluster| {
            planned.plan.clusters.get(&saved.name).is_some_and(|now| now.identity.uid == saved.identity.uid)
        };
        if let Some(other) = self.clusters.iter().find(|saved| !is_same(saved)) {
            let label = other.name.name().map(|name| format!(" `{name}`")).unwrap_or_default();
            return Err(Failure::Stale(format!("it is for the cluster{label} at {}", other.identity.server)));
        }
        if self.clusters.len() != planned.plan.clusters.len() {
            return Err(Failure::Stale("it is for fewer clusters".to_owned()));
        }
        if (&self.lineage, self.serial) != (&planned.plan.lineage, planned.plan.serial) {
            return Err(Failure::Stale("the state has changed since it was made".to_owned()));
        }
        let now = fingerprints(planned);
        let all = self.fingerprints.keys().chain(now.keys());
        match all.into_iter().find(|address| self.fingerprints.get(*address) != now.get(*address)) {
            Some(address) => Err(Failure::Stale(format!("what it would do to `{address}` is not the same any more"))),
            None => Ok(()),
        }
    }

    /// Returns the plan as it was shown.
    pub(super) fn rendered(&self, format: Format) -> &str {
        match format {
            Format::Text => &self.text,
            Format::Json => &self.json,
            Format::Markdown => &self.markdown,
            Format::Html => &self.html,
        }
    }
}

impl Settings {
    fn new(planned: &Planned, planning: &Planning) -> Self {
        let evaluation = &planned.project.evaluation;
        let is_open = |value: &&String| {
            let name = value.split('=').next().unwrap_or_default().trim();
            !evaluation.is_sensitive_variable(name)
        };
        let texts = |targets: &[Target]| targets.iter().map(ToString::to_string).collect();
        let variables = &planning.variables;
        // The order of what is left out is left out, too.
        let mut values = variables.values.iter();
        let order = variables.order.iter().filter(|is_file| **is_file || values.next().as_ref().is_some_and(is_open));
        Self {
            mode: match planned.plan.mode {
                Mode::Apply => "apply",
                Mode::Destroy => "destroy",
                Mode::RefreshOnly => "refresh_only",
            }
            .to_owned(),
            variable_order: order.copied().collect(),
            variables: variables.values.iter().filter(is_open).cloned().collect(),
            variable_files: variables.files.clone(),
            targets: texts(&planning.targets),
            excludes: texts(&planning.excludes),
            replace: planning.replace.iter().map(ToString::to_string).collect(),
            refresh: planning.refresh,
            on_conflict: format!("{:?}", planning.on_conflict).to_lowercase(),
            adopt: planning.adopt,
            allow_data_loss: planning.allow_data_loss,
        }
    }
}

fn on_conflict(text: &str) -> OnConflict {
    match text {
        "force" => OnConflict::Force,
        "yield" => OnConflict::Yield,
        _ => OnConflict::Fail,
    }
}

fn fingerprints(planned: &Planned) -> BTreeMap<String, String> {
    let all = plan::fingerprint(&planned.plan, &planned.state.salt);
    all.into_iter().map(|(address, digest)| (address.to_string(), digest)).collect()
}
