//! Decides what happens to one desired object.
use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::model::{
    Address, DesiredObject, Diagnostic, FIELD_MANAGER, FieldPath, GroupKind, Identity, Json, Kind, Lifecycle, Object,
    Observed, UNKNOWN,
};
use crate::ssa::{self, ApplyError, Proof, Schema, Schemas};
use crate::state::{RecordedObject, State, Status};

use super::owner::{Adopt, Claim, Verdict};
use super::{Change, FieldChange, Options, Question, Validation, fields, form, immutable, kinds, mask, owner, prepare};

/// Stands for the time in predicted `managedFields`; nothing that is shown depends on it.
const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// What every object of one cluster is judged against.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub state: &'a State,
    pub observed: &'a Observed,
    pub schemas: &'a Schemas,
    pub options: &'a Options,
    /// Namespaces that this plan makes.
    pub new_namespaces: BTreeSet<String>,
    /// Group and kind of the definitions that this plan makes.
    pub new_kinds: BTreeSet<GroupKind>,
    /// Objects that are taken over by an import.
    pub imported: BTreeSet<Identity>,
    /// Every object that is recorded in this cluster, and by which resource.
    pub recorded: BTreeMap<Identity, (&'a Address, &'a RecordedObject)>,
}

impl<'a> Context<'a> {
    pub(super) fn new(state: &'a State, observed: &'a Observed, schemas: &'a Schemas, options: &'a Options) -> Self {
        Self {
            state,
            observed,
            schemas,
            options,
            new_namespaces: BTreeSet::new(),
            new_kinds: BTreeSet::new(),
            imported: BTreeSet::new(),
            recorded: BTreeMap::new(),
        }
    }

    /// Takes note of what a desired object makes possible for others.
    pub(super) fn expect(&mut self, desired: &DesiredObject) {
        let kind = desired.object.kind();
        if &*kind.kind == "CustomResourceDefinition" {
            self.new_kinds.extend(kinds::defined(&desired.object));
        }
        let is_namespace = kind.is("", "Namespace");
        if is_namespace && !self.observed.live.contains_key(&desired.object.identity()) {
            self.new_namespaces.insert(desired.object.name().to_owned());
        }
    }
}

/// One object to be judged.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub desired: DesiredObject,
    pub lifecycle: &'a Lifecycle,
    /// Of the resource, where it is recorded.
    pub status: Option<Status>,
    /// The user asks for it to be made anew.
    pub replace: bool,
}

/// The verdict: a change, and what the server should be asked about it.
#[derive(Debug)]
pub(super) struct Judged {
    pub change: Change,
    pub question: Option<Question>,
    /// Nothing differs from what was recorded, so nothing drifted.
    pub proven: bool,
}

type Judgement = Result<Judged, Vec<Diagnostic>>;

/// Decides what happens to one desired object.
pub(super) fn judge(context: &Context<'_>, case: Case<'_>) -> Judgement {
    let identity = case.desired.object.identity();
    if has_unknown_identity(&case.desired.object) {
        return refuse(
            Diagnostic::error(format!("the kind, name and namespace of {identity} must be known when planning"))
                .about(&case.desired)
                .hint("use a value that does not come from another resource's status"),
        );
    }
    check_path(&case.desired)?;
    if let Some(blind) = context.observed.blind_to(&identity) {
        return refuse(
            Diagnostic::error(format!("it is not known whether {identity} exists: {}", blind.reason))
                .about(&case.desired)
                .hint("planning needs the right to list or get this kind"),
        );
    }
    check_bytes(&case.desired)?;
    match context.observed.live.get(&identity) {
        None => absent(context, case),
        Some(live) if live.is_terminating() => refuse(terminating(&case.desired, live)),
        Some(live) => present(context, case, live),
    }
}

/// Refuses names that cannot stand in the path of a request.
///
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names>
fn check_path(desired: &DesiredObject) -> Result<(), Vec<Diagnostic>> {
    let is_no_path = |name: &&str| name.contains(['/', '%']) || matches!(*name, "." | "..");
    let names = [Some(desired.object.name()), desired.object.namespace()];
    let Some(name) = names.into_iter().flatten().find(is_no_path) else { return Ok(()) };
    let mistake = format!("{} is not valid: `{name}` cannot be a name", desired.object.identity());
    let hint = "the names of objects are parts of paths: without `/` and `%`, and not `.` or `..`";
    Err(vec![Diagnostic::error(mistake).about(desired).hint(hint)])
}

/// Tells whether discovery and lists were left out: what is live was assumed from the state.
pub(super) fn is_assumed(observed: &Observed) -> bool {
    observed.requests == 0
}

fn absent(context: &Context<'_>, case: Case<'_>) -> Judgement {
    let desired = case.desired;
    let kind = desired.object.kind();
    if let Some(diagnostic) = unserved(context, &desired, &kind) {
        return refuse(diagnostic);
    }
    check_schema(&desired, context.schemas.of(&kind))?;
    let ask = |rehearsal| {
        let (cluster, object) = (desired.cluster.clone(), desired.object.clone());
        let form = form::of(&cluster, &object, rehearsal);
        Some(Question { cluster, object, force: false, rehearsal, form })
    };
    let (validation, question) = match not_yet(context, &desired) {
        Some(reason) => (Validation::NotYet { reason }, None),
        None => match new_namespace(context, &desired) {
            Some(name) => {
                let reason = format!("this plan makes the namespace `{name}`");
                (Validation::NotYet { reason }, if is_plain(&kind) { None } else { ask(true) })
            }
            None => (Validation::Server, ask(false)),
        },
    };
    Ok(Judged { change: Change::Create { desired, validation }, question, proven: false })
}

/// Says why the server cannot be asked about an object yet.
fn not_yet(context: &Context<'_>, desired: &DesiredObject) -> Option<String> {
    let kind = desired.object.kind();
    let is_new_kind = context.new_kinds.contains(&kind.group_kind());
    if is_assumed(context.observed) {
        return Some("the cluster was not read".to_owned());
    }
    if !desired.unknown.is_empty() || prepare::has_unknown(desired.object.json()) {
        return Some("some values are known only after apply".to_owned());
    }
    if is_new_kind && context.observed.served(&kind.group, &kind.kind).is_none() {
        return Some(format!("this plan makes the definition of `{}`", kind.kind));
    }
    None
}

/// Returns the object's namespace, where this plan makes it.
fn new_namespace<'a>(context: &Context<'_>, desired: &'a DesiredObject) -> Option<&'a str> {
    desired.object.namespace().filter(|name| context.new_namespaces.contains(*name))
}

/// Tells whether the schema alone finds nearly every mistake in an object of this kind.
fn is_plain(kind: &Kind) -> bool {
    kind.group.is_empty() && matches!(&*kind.kind, "ConfigMap" | "Secret" | "ServiceAccount")
}

fn unserved(context: &Context<'_>, desired: &DesiredObject, kind: &Kind) -> Option<Diagnostic> {
    if is_assumed(context.observed) || context.new_kinds.contains(&kind.group_kind()) {
        return None;
    }
    let message = match context.observed.served(&kind.group, &kind.kind) {
        Some(served) if served.versions.contains(&kind.version) => return None,
        Some(served) => {
            let error = format!("the cluster does not serve `{kind}`");
            let versions = served.versions.join("`, `");
            return Some(Diagnostic::error(error).about(desired).hint(format!("it serves the versions `{versions}`")));
        }
        None => format!("the cluster does not know the kind `{}` of `{}`", kind.kind, kind.api_version()),
    };
    Some(Diagnostic::error(message).about(desired).hint(
        "install what defines it, or add its CustomResourceDefinition to the configuration, with `manifests` for example",
    ))
}

fn present(context: &Context<'_>, mut case: Case<'_>, live: &Object) -> Judgement {
    let identity = live.identity();
    let recorded = context.recorded.get(&identity).map(|(_, object)| *object);
    let is_same = recorded.is_some_and(|recorded| live.uid() == Some(recorded.uid.as_str()));
    let is_ours = is_applied_by(live, &context.state.lineage);
    let adopt = match () {
        () if is_same || is_ours => Adopt::No,
        () if context.options.adopt => Adopt::Anyhow,
        () if context.imported.contains(&identity) => Adopt::FromMakers,
        () => return refuse(exists(&case.desired, live, recorded.is_some())),
    };
    prepare::carry(&mut case.desired, live);
    let is_adopted = adopt != Adopt::No;
    let migrated = if is_adopted { ssa::migrated(live, FIELD_MANAGER) } else { None };
    let revealed = is_assumed(context.observed).then(|| prepare::reveal(live, &case.desired, &context.state.salt));
    let is_ours = recorded.is_none() && adopt != Adopt::FromMakers;
    let claim = Claim { recorded, is_ours, policy: context.options.on_conflict, adopt };
    let mut judged = compare(context, case, revealed.as_ref().or(migrated.as_ref()).unwrap_or(live), claim)?;
    if is_adopted {
        as_adopted(&mut judged, live);
    }
    if is_assumed(context.observed) {
        if let Change::Keep { desired, .. }
        | Change::Wait { desired, .. }
        | Change::Update { desired, .. }
        | Change::Replace { desired, .. } = &mut judged.change
        {
            prepare::unhash(desired);
        }
    } else {
        make_again(&mut judged, live);
    }
    Ok(judged)
}

/// Apply begins with the object as it is, before the fields of `kubectl apply` become ours.
fn as_adopted(judged: &mut Judged, live: &Object) {
    if let Change::Update { live: planned, .. } | Change::Replace { live: planned, .. } = &mut judged.change {
        **planned = live.clone();
    }
}

/// A generated value that is gone from the live object is made again.
fn make_again(judged: &mut Judged, live: &Object) {
    let lost = |desired: &DesiredObject| {
        let is_lost = |pointer: &&String| desired.object.pointer(pointer).is_none();
        let path = |pointer: &String| {
            let names: Vec<&str> = pointer.split('/').skip(1).collect();
            FieldChange { sensitive: true, unknown: true, ..FieldChange::at(FieldPath::fields(&names)) }
        };
        desired.generated.keys().filter(is_lost).map(path).collect::<Vec<_>>()
    };
    match &mut judged.change {
        Change::Update { desired, fields, .. } => fields.extend(lost(desired)),
        Change::Keep { desired, .. } | Change::Wait { desired, .. } => {
            let fields = lost(desired);
            if !fields.is_empty() {
                let desired = desired.clone();
                judged.proven = false;
                judged.change =
                    Change::Update { desired, live: Box::new(live.clone()), fields, force: false, adopt: false };
            }
        }
        _ => {}
    }
}

fn compare(context: &Context<'_>, case: Case<'_>, live: &Object, claim: Claim<'_>) -> Judgement {
    let Case { mut desired, lifecycle, status, replace, .. } = case;
    let orphan_pods = live.kind_name() == "StatefulSet";
    if replace || status == Some(Status::Tainted) {
        let live = Box::new(live.clone());
        let change = Change::Replace { desired, live, fields: Vec::new(), orphan_pods };
        return Ok(Judged { change, question: None, proven: false });
    }
    let Some(schema) = context.schemas.of(&desired.object.kind()) else {
        return Ok(without_schema(context, desired, live, status, claim));
    };
    // Most objects end here; attribution is for the rest.
    if lifecycle.ignore_changes.is_empty()
        && ssa::prove(&desired.object, live, schema, FIELD_MANAGER) == Proof::Unchanged
    {
        return Ok(unchanged(desired, live, status, claim, true));
    }
    let left_alone = leave(&mut desired, lifecycle, live, schema);
    let proof = ssa::prove(&desired.object, live, schema, FIELD_MANAGER);
    let proven = proof == Proof::Unchanged && !left_alone;
    let Some((differences, unowned)) = differences(proof, &desired) else {
        return Ok(unchanged(desired, live, status, claim, proven));
    };
    let plan = Merge { live, schema, claim };
    let Some((fields, force)) = plan.changes(&mut desired, differences, unowned)? else {
        return Ok(unchanged(desired, live, status, claim, false));
    };
    Ok(changed(context, desired, live, fields, force, claim))
}

/// Says whether apply has work to do, and whether the server should be asked about it.
fn changed(
    context: &Context<'_>,
    desired: DesiredObject,
    live: &Object,
    mut fields: Vec<FieldChange>,
    force: bool,
    claim: Claim<'_>,
) -> Judged {
    for field in &mut fields {
        field.forces_replacement = field.before != field.after && immutable::forces_replacement(live, field);
        mask::mask(field, &desired, claim.recorded);
    }
    fields.sort_by_cached_key(|field| field.path.to_string());
    let is_known = desired.unknown.is_empty() && !prepare::has_unknown(desired.object.json());
    let is_relabelled = !fields.is_empty()
        && fields.iter().all(|field| field.path == FieldPath::fields(&["metadata", "annotations", prepare::ADDRESS]));
    let is_asked = is_known && !is_assumed(context.observed) && !is_relabelled;
    // What is adopted is taken from its makers before it is applied; a dry-run cannot do that, and takes by force.
    let is_adopted = claim.adopt != Adopt::No;
    let question = is_asked.then(|| {
        let (cluster, object) = (desired.cluster.clone(), desired.object.clone());
        Question { cluster, object, force: force || is_adopted, rehearsal: false, form: None }
    });
    let orphan_pods = live.kind_name() == "StatefulSet";
    let live = Box::new(live.clone());
    let change = if fields.iter().any(|field| field.forces_replacement) {
        Change::Replace { desired, live, fields, orphan_pods }
    } else {
        Change::Update { desired, live, fields, force, adopt: is_adopted }
    };
    Judged { change, question, proven: false }
}

fn unchanged(desired: DesiredObject, live: &Object, status: Option<Status>, claim: Claim<'_>, proven: bool) -> Judged {
    let live = Box::new(live.clone());
    // An object of ours that is not recorded is recorded by waiting for it.
    let is_settled = status == Some(Status::Ready) && claim.recorded.is_some();
    let change = if is_settled { Change::Keep { desired, live } } else { Change::Wait { desired, live } };
    Judged { change, question: None, proven }
}

/// Takes out of the desired object what `ignore_changes` and expected owners keep; tells whether there was any.
fn leave(desired: &mut DesiredObject, lifecycle: &Lifecycle, live: &Object, schema: &Schema) -> bool {
    let taken = ssa::taken(&desired.object, live, schema, FIELD_MANAGER);
    let is_expected = |taken: &&ssa::Taken| {
        taken.owner.as_ref().is_some_and(|owner| taken.certain && owner::is_expected(&taken.path, owner))
    };
    let expected: Vec<FieldPath> = taken.iter().filter(is_expected).map(|taken| taken.path.clone()).collect();
    let ignored = if lifecycle.ignore_changes.iter().any(|path| path.0.is_empty()) {
        fields_below_marks(desired.object.json())
    } else {
        lifecycle.ignore_changes.clone()
    };
    prepare::leave_alone(desired, live, &ignored, &taken);
    prepare::leave_alone(desired, live, &expected, &taken);
    !ignored.is_empty() || !expected.is_empty()
}

/// Returns the paths that `ignore_changes = all` stands for: everything but what makes the object ours.
fn fields_below_marks(json: &Json) -> Vec<FieldPath> {
    let Some(entries) = json.as_object() else { return Vec::new() };
    let is_content = |name: &&String| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
    entries.keys().filter(is_content).map(|name| FieldPath::fields(&[name])).collect()
}

type Difference = (FieldPath, Option<Json>, Option<Json>);

/// Returns the fields that differ and those that we only do not own; none where apply has no work.
fn differences(proof: Proof, desired: &DesiredObject) -> Option<(Vec<Difference>, Vec<FieldPath>)> {
    let Proof::Changed { values, released, unowned } = proof else { return None };
    // The autoscaler that changed a carried field holds the whole atomic list; that is as it should be.
    let unowned: Vec<FieldPath> = unowned.into_iter().filter(|path| !owner::is_carried(path, desired)).collect();
    let is_nothing = values.is_empty() && released.is_empty() && unowned.is_empty();
    (!is_nothing).then_some((values, unowned))
}

/// A merge of a desired object into a live one.
struct Merge<'a> {
    live: &'a Object,
    schema: &'a Schema,
    claim: Claim<'a>,
}

impl Merge<'_> {
    /// Returns the fields that change and whether force is needed; none where nothing is left to do.
    fn changes(
        &self,
        desired: &mut DesiredObject,
        differences: Vec<Difference>,
        unowned: Vec<FieldPath>,
    ) -> Result<Option<(Vec<FieldChange>, bool)>, Vec<Diagnostic>> {
        if self.is_open(&desired.object) {
            let plain = |(path, after, before)| FieldChange { before, after, ..FieldChange::at(path) };
            return Ok(Some((differences.into_iter().map(plain).collect(), false)));
        }
        let conflicts = self.conflicts(desired)?;
        let left = self.settle(desired, &conflicts)?;
        let force = conflicts.len() > left.len();
        let merged = self.apply(&desired.object, force).map_err(|error| vec![invalid(desired, &error.to_string())])?;
        if !merged.changed {
            return Ok(None);
        }
        let is_left = |path: &FieldPath| left.iter().any(|left| left.covers(path));
        let mut fields: Vec<FieldChange> = Vec::new();
        for (path, wanted, before) in differences.into_iter().filter(|(path, ..)| !is_left(path)) {
            let after = wanted.or_else(|| fields::find(merged.object.json(), &path).cloned());
            if before != after {
                fields.push(FieldChange {
                    before,
                    after,
                    owner: owner::of_path(&path, &conflicts),
                    ..FieldChange::at(path)
                });
            }
        }
        for path in unowned.into_iter().filter(|path| !is_left(path)) {
            let value = fields::find(self.live.json(), &path).cloned();
            if value.is_some() && !fields.iter().any(|field| field.path.covers(&path) || path.covers(&field.path)) {
                fields.push(FieldChange { before: value.clone(), after: value, ..FieldChange::at(path) });
            }
        }
        Ok(Some((fields, force)))
    }

    /// Tells whether values that are known only after apply stand where their type cannot be checked yet.
    fn is_open(&self, desired: &Object) -> bool {
        let is_invalid = || matches!(self.apply(desired, true), Err(ApplyError::Invalid { .. }));
        prepare::has_unknown(desired.json()) && is_invalid()
    }

    fn conflicts(&self, desired: &DesiredObject) -> Result<Vec<ssa::Conflict>, Vec<Diagnostic>> {
        match self.apply(&desired.object, false) {
            Ok(_) => Ok(Vec::new()),
            Err(ApplyError::Conflicts(conflicts)) => Ok(conflicts),
            Err(error) => Err(vec![invalid(desired, &error.to_string())]),
        }
    }

    /// Leaves out what is left to others, and returns it; an error names what may not be taken.
    fn settle(
        &self,
        desired: &mut DesiredObject,
        conflicts: &[ssa::Conflict],
    ) -> Result<Vec<FieldPath>, Vec<Diagnostic>> {
        let (mut left, mut refused) = (Vec::new(), Vec::new());
        for conflict in conflicts {
            match owner::decide(conflict, desired, self.claim) {
                Verdict::Take => {}
                Verdict::Leave => left.push(conflict.path.clone()),
                Verdict::Refuse => refused.push((conflict.path.to_string(), conflict.owner.to_string())),
            }
        }
        if !refused.is_empty() {
            return Err(vec![owner::refusal(desired, &self.live.identity(), &refused)]);
        }
        desired.object.edit(|json| left.iter().for_each(|path| fields::remove(json, path)));
        Ok(left)
    }

    fn apply(&self, desired: &Object, force: bool) -> Result<ssa::Applied, ApplyError> {
        ssa::apply(Some(self.live), desired, self.schema, FIELD_MANAGER, force, NO_TIME)
    }
}

/// Without a schema nothing can be proven: what differs is shown, and the server decides.
fn without_schema(
    context: &Context<'_>,
    desired: DesiredObject,
    live: &Object,
    status: Option<Status>,
    claim: Claim<'_>,
) -> Judged {
    // What was assumed is what was applied, but for the uid; what was seen has fields of others too.
    let uid = FieldPath::fields(&["metadata", "uid"]);
    let is_ours = |(path, _, after): &Difference| {
        if is_assumed(context.observed) { *path != uid } else { after.is_some() }
    };
    let fields: Vec<FieldChange> = fields::difference(live.json(), desired.object.json())
        .into_iter()
        .filter(is_ours)
        .map(|(path, before, after)| FieldChange { before, after, ..FieldChange::at(path) })
        .collect();
    if fields.is_empty() && is_assumed(context.observed) {
        return unchanged(desired, live, status, claim, true);
    }
    changed(context, desired, live, fields, claim.adopt != Adopt::No, claim)
}

/// Checks a new object against our own schema, for the server may not be able to. All mistakes are told.
fn check_schema(desired: &DesiredObject, schema: Option<&Schema>) -> Result<(), Vec<Diagnostic>> {
    let Some(schema) = schema else { return Ok(()) };
    let violations = ssa::violations(&desired.object, schema);
    if violations.is_empty() || prepare::has_unknown(desired.object.json()) {
        return Ok(());
    }
    let texts = violations.iter().map(|violation| format!("{}: {}", violation.path, violation.message));
    Err(texts.map(|text| invalid(desired, &text)).collect())
}

/// Refuses bytes that are no base64, which the server answers with an inner error and no place.
fn check_bytes(desired: &DesiredObject) -> Result<(), Vec<Diagnostic>> {
    let kind = desired.object.kind();
    let field = match (kind.is("", "Secret"), kind.is("", "ConfigMap")) {
        (true, _) => "data",
        (_, true) => "binaryData",
        _ => return Ok(()),
    };
    // Canonical form has taken line breaks out of what is base64.
    let is_wrong =
        |value: &Json| value.as_str().is_some_and(|text| !text.contains(UNKNOWN) && STANDARD.decode(text).is_err());
    let entries = desired.object.json().get(field).and_then(Json::as_object);
    let wrong = entries.into_iter().flatten().filter(|(_, value)| is_wrong(value));
    let error = |(name, _): (&String, &Json)| {
        let mistake = format!("{} is not valid: .{field}.{name} is not base64", desired.object.identity());
        let texts = if field == "data" { "stringData" } else { "data" };
        Diagnostic::error(mistake).about(desired).hint(format!("`{texts}` takes texts as they are"))
    };
    let errors: Vec<Diagnostic> = wrong.map(error).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn invalid(desired: &DesiredObject, mistake: &str) -> Diagnostic {
    let identity = desired.object.identity();
    let told = in_plain_words(mistake, desired.object.kind_name() == "Secret");
    let diagnostic = Diagnostic::error(format!("{identity} is not valid: {told}")).about(desired);
    let is_text_wanted = told.contains("expected string");
    if is_text_wanted { diagnostic.hint("put it into quotes, or use `tostring(…)`") } else { diagnostic }
}

/// Returns a message of the merge, which speaks as the server's does, without the names of its inner types.
///
/// What was found in a Secret is not told.
fn in_plain_words(message: &str, is_secret: bool) -> String {
    let Some((expected, found)) = message.split_once(", got ") else { return message.to_owned() };
    if is_secret {
        return expected.to_owned();
    }
    let inner = ["&value.valueUnstructured{Value:", "&{"].iter().find_map(|start| found.strip_prefix(start));
    let found = inner.map_or(found, |inner| inner.strip_suffix('}').unwrap_or(inner));
    format!("{expected}, got {}", found.replace("map[string]interface {}", "").replace("[]interface {}", ""))
}

fn exists(desired: &DesiredObject, live: &Object, was_recorded: bool) -> Diagnostic {
    let identity = live.identity();
    let (lineage, address) = (live.annotation(prepare::LINEAGE), live.annotation(prepare::ADDRESS));
    if let (Some(lineage), Some(address)) = (lineage, address) {
        return Diagnostic::error(format!("{identity} belongs to `{address}` of another state (lineage {lineage})"))
            .about(desired)
            .hint("choose another name, or take it over with an `import` block once the other state has forgotten it");
    }
    let managers = live.pointer("/metadata/managedFields").and_then(Json::as_array).into_iter().flatten();
    let names: BTreeSet<&str> = managers.filter_map(|entry| entry.get("manager")?.as_str()).collect();
    let who = match names.len() {
        0 => String::new(),
        _ => format!(", made by {}", names.into_iter().collect::<Vec<_>>().join(", ")),
    };
    let what = if was_recorded { "was deleted and made again by somebody else" } else { "exists already" };
    Diagnostic::error(format!("{identity} {what}{who}"))
        .about(desired)
        .hint("take it over with an `import` block, `rayform import` or `--adopt`, choose another name, or delete it")
}

fn terminating(desired: &DesiredObject, live: &Object) -> Diagnostic {
    let names: Vec<&str> = live.finalizers().collect();
    let waits = if names.is_empty() { String::new() } else { format!("; it waits for {}", names.join(", ")) };
    Diagnostic::error(format!("{} is being deleted{waits}", live.identity()))
        .about(desired)
        .hint("plan again when it is gone")
}

/// Tells whether an object was applied from the state with this lineage.
///
/// Annotations alone are not enough: the Deployment controller copies them to its `ReplicaSet`s.
fn is_applied_by(live: &Object, lineage: &str) -> bool {
    let entries = live.pointer("/metadata/managedFields").and_then(Json::as_array);
    let is_own = |entry: &Json| entry["manager"] == FIELD_MANAGER && entry["operation"] == "Apply";
    live.annotation(prepare::LINEAGE) == Some(lineage) && entries.is_some_and(|entries| entries.iter().any(is_own))
}

fn has_unknown_identity(object: &Object) -> bool {
    let is_unknown = |text: &str| text.contains(crate::model::UNKNOWN);
    is_unknown(object.name()) || object.namespace().is_some_and(is_unknown) || is_unknown(object.kind_name())
}

fn refuse(diagnostic: Diagnostic) -> Judgement {
    Err(vec![diagnostic])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_types_are_told_in_plain_words() {
        let check = |message: &str, expected: &str| assert_eq!(in_plain_words(message, false), expected);
        check(".data.a: expected string, got &value.valueUnstructured{Value:1}", ".data.a: expected string, got 1");
        check(".spec.x: expected list, got &{map[a:b]}", ".spec.x: expected list, got map[a:b]");
        check(".spec.x: field not declared in schema", ".spec.x: field not declared in schema");
        let secret = ".data.a: expected string, got &value.valueUnstructured{Value:hunter2}";
        assert_eq!(in_plain_words(secret, true), ".data.a: expected string");
    }
}
