//! Asks the server what it would make of changes: dry-runs, in parallel.
use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::WorkflowError;
use crate::cluster::{Admission, Apply, Cluster, ClusterError};
use crate::model::{Clusters, Object};
use crate::plan::{Answer, Form, Question};

/// Dry-runs that must be saved to be worth the question what webhooks and policies look at: one for each of its lists.
const WORTHWHILE: usize = 8;

/// Answers each question of a plan, in order.
///
/// Of objects of one form one is asked about. Only where it is refused, the others are asked about as well, so that each
/// mistake is told.
pub(crate) async fn ask(clusters: &Clusters<Cluster>, questions: Vec<Question>) -> Result<Vec<Answer>, WorkflowError> {
    answers(clusters, &questions).await.map_err(WorkflowError::doing("the plan could not be tried"))
}

async fn answers(clusters: &Clusters<Cluster>, questions: &[Question]) -> Result<Vec<Answer>, ClusterError> {
    let speakers = speakers(clusters, questions).await?;
    let speak = questions.iter().enumerate().map(async |(index, question)| {
        if speakers[index] == index { ask_one(clusters, question).await.map(Some) } else { Ok(None) }
    });
    let spoken = try_join_all(speak).await?;
    let follow = questions.iter().enumerate().map(async |(index, question)| match &spoken[speakers[index]] {
        Some(accepted @ Answer::Accepted { .. }) => Ok(accepted.clone()),
        Some(answer) if speakers[index] == index => Ok(answer.clone()),
        _ => ask_one(clusters, question).await,
    });
    try_join_all(follow).await
}

/// Returns for each question the one that is asked for it: itself, or the first of its form.
async fn speakers(clusters: &Clusters<Cluster>, questions: &[Question]) -> Result<Vec<usize>, ClusterError> {
    let mut firsts: BTreeMap<&Form, usize> = BTreeMap::new();
    let mut speakers: Vec<usize> = (0..questions.len()).collect();
    for (speaker, question) in speakers.iter_mut().zip(questions) {
        if let Some(form) = &question.form {
            *speaker = *firsts.entry(form).or_insert(*speaker);
        }
    }
    let admissions = admissions(clusters, questions, &speakers).await?;
    for (index, question) in questions.iter().enumerate() {
        let admission = admissions.get(&question.cluster);
        let served = || clusters.get(&question.cluster)?.served(&question.object.kind());
        let is_judged_by_more = || admission.zip(served()).is_none_or(|(it, served)| it.looks_at(&served.plural));
        if speakers[index] != index && !question.rehearsal && is_judged_by_more() {
            speakers[index] = index;
        }
    }
    Ok(speakers)
}

/// Asks the clusters what webhooks and policies look at, where that may save dry-runs and may be read.
///
/// A rehearsal is about the server's own rules alone.
async fn admissions(
    clusters: &Clusters<Cluster>,
    questions: &[Question],
    speakers: &[usize],
) -> Result<Clusters<Admission>, ClusterError> {
    let mut savings: Clusters<usize> = Clusters::new();
    for (index, question) in questions.iter().enumerate().filter(|(_, question)| !question.rehearsal) {
        *savings.entry(question.cluster.clone()).or_default() += usize::from(speakers[index] != index);
    }
    let mut admissions = Clusters::new();
    for (name, _) in savings.into_iter().filter(|(_, saved)| *saved >= WORTHWHILE) {
        let Some(cluster) = clusters.get(&name) else { continue };
        match cluster.admission().await {
            Ok(admission) => drop(admissions.insert(name, admission)),
            Err(error) if error.refusal().is_some() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(admissions)
}

async fn ask_one(clusters: &Clusters<Cluster>, question: &Question) -> Result<Answer, ClusterError> {
    let Some(cluster) = clusters.get(&question.cluster) else {
        return Ok(Answer::NotPreviewable { reason: format!("{} was not reached", question.cluster) });
    };
    if question.rehearsal {
        return rehearse(cluster, &question.object).await;
    }
    let apply = Apply { force: question.force, dry_run: true };
    match cluster.apply(&question.object, apply).await {
        Ok(outcome) => Ok(Answer::Accepted { object: Box::new(outcome.object), warnings: outcome.warnings }),
        Err(error) => answer(error),
    }
}

/// Asks whether the server takes such an object, in a namespace that exists on every cluster.
///
/// Only what is wrong in any namespace counts: what quotas, policies and webhooks say there need not hold elsewhere.
async fn rehearse(cluster: &Cluster, object: &Object) -> Result<Answer, ClusterError> {
    let error = match cluster.try_create(object, "default").await {
        Ok(outcome) => return Ok(Answer::Accepted { object: Box::new(outcome.object), warnings: outcome.warnings }),
        Err(error) => error,
    };
    let is_wrong_anywhere = error.refusal().is_some_and(|refusal| {
        let is_of_a_policy = ["admission webhook", "AdmissionPolicy", "is forbidden", "already allocated"];
        matches!(refusal.reason.as_str(), "Invalid" | "BadRequest")
            && !is_of_a_policy.iter().any(|text| refusal.message.contains(text))
    });
    let reason = error.to_string();
    if is_wrong_anywhere { answer(error) } else { Ok(Answer::NotPreviewable { reason }) }
}

/// Returns a refusal as an answer; a server that cannot be asked is an error.
fn answer(error: ClusterError) -> Result<Answer, ClusterError> {
    if let ClusterError::NotServed { .. } = &error {
        return Ok(Answer::NotPreviewable { reason: error.to_string() });
    }
    let Some(refusal) = error.refusal() else { return Err(error) };
    let causes: Vec<_> = refusal.causes.iter().map(|cause| (cause.field.clone(), cause.message.clone())).collect();
    let message = refusal.message.clone();
    Ok(match &error {
        ClusterError::Conflict(_) => Answer::Conflict { causes },
        // The object itself cannot be what is missing: an apply would make it. A namespace nobody makes by the way.
        ClusterError::NotFound(_) if !message.starts_with("namespaces ") => Answer::NotPreviewable { reason: message },
        // <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects>
        _ if message.contains("does not support dry run") => Answer::NotPreviewable { reason: message },
        _ => Answer::Refused { code: refusal.code, reason: refusal.reason.clone(), message, causes },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::{Method, StatusCode};
    use serde_json::json;

    use super::*;
    use crate::cluster::{Settings, Target, connect};
    use crate::model::{ClusterName, Kind, ServedKind};
    use crate::plan::form;

    async fn answer_to(code: u16, status: serde_json::Value) -> Answer {
        answer_to_question(code, status, false).await
    }

    async fn answer_to_question(code: u16, status: serde_json::Value, rehearsal: bool) -> Answer {
        let code = StatusCode::from_u16(code).expect("a code");
        let router = Router::new().fallback(move || async move { (code, status.to_string()) });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let versions = vec!["v1".into()];
        let kind = Kind::new("v1", "Service");
        cluster.learn([ServedKind { kind, versions, plural: "services".to_owned(), namespaced: true }]);
        let json = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a", "namespace": "b" } });
        let (name, clusters) = (ClusterName::default(), Clusters::from([(ClusterName::default(), cluster)]));
        let question = Question {
            cluster: name,
            object: Object::new(json).expect("an object"),
            force: false,
            rehearsal,
            form: None,
        };
        ask(&clusters, vec![question]).await.expect("an answer").remove(0)
    }

    #[tokio::test]
    async fn conflicts_name_field_and_owner() {
        let cause =
            json!({ "reason": "FieldManagerConflict", "field": ".spec.type", "message": "conflict with \"x\"" });
        let status = json!({ "reason": "Conflict", "message": "1 conflict", "details": { "causes": [cause] } });
        let causes = vec![(".spec.type".to_owned(), "conflict with \"x\"".to_owned())];
        assert_eq!(answer_to(409, status).await, Answer::Conflict { causes });
    }

    #[tokio::test]
    async fn what_cannot_be_tried_yet_is_no_refusal() {
        for (code, message) in [
            (404, "the server could not find the requested resource"),
            (400, "admission webhook \"w\" does not support dry run"),
        ] {
            let answer = answer_to(code, json!({ "reason": "X", "message": message })).await;
            assert_eq!(answer, Answer::NotPreviewable { reason: message.to_owned() });
        }
    }

    #[tokio::test]
    async fn a_namespace_that_is_not_there_is_a_refusal() {
        let answer = answer_to(404, json!({ "reason": "NotFound", "message": "namespaces \"b\" not found" })).await;
        assert!(matches!(answer, Answer::Refused { code: 404, .. }));
    }

    #[tokio::test]
    async fn a_rehearsal_tells_only_what_is_wrong_anywhere() {
        for (code, reason, message, is_refusal) in [
            (422, "Invalid", "Service \"a\" is invalid", true),
            (400, "BadRequest", "strict decoding error: unknown field", true),
            (422, "Invalid", "ValidatingAdmissionPolicy 'x' denied request", false),
            (400, "BadRequest", "admission webhook \"w\" denied the request", false),
            (403, "Forbidden", "exceeded quota", false),
            (409, "AlreadyExists", "services \"a\" already exists", false),
        ] {
            let answer = answer_to_question(code, json!({ "reason": reason, "message": message }), true).await;
            assert_eq!(matches!(answer, Answer::Refused { .. }), is_refusal, "{message}");
        }
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_code() {
        let answer = answer_to(403, json!({ "reason": "Forbidden", "message": "exceeded quota" })).await;
        assert!(matches!(answer, Answer::Refused { code: 403, .. }));
    }

    /// Asks about twenty ConfigMaps of one form, of a server with such webhooks, and counts the dry-runs.
    async fn dry_runs(rehearsal: bool, webhooks: (u16, serde_json::Value), code: u16) -> (usize, Vec<Answer>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let router = Router::new().fallback(move |request: Request| {
            let (count, (webhooks_code, webhooks)) = (count.clone(), webhooks.clone());
            async move {
                let is_list = request.method() == Method::GET;
                count.fetch_add(usize::from(!is_list), Ordering::Relaxed);
                let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
                let (code, body) = if is_list { (webhooks_code, webhooks) } else { (code, map) };
                (StatusCode::from_u16(code).expect("a code"), body.to_string())
            }
        });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let served = |api_version: &str, kind: &str, plural: &str| {
            let kind = Kind::new(api_version, kind);
            ServedKind { versions: vec![kind.version.clone()], kind, plural: plural.to_owned(), namespaced: true }
        };
        let webhooks = served("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "webhooks");
        cluster.learn([served("v1", "ConfigMap", "configmaps"), webhooks]);
        let (name, clusters) = (ClusterName::default(), Clusters::from([(ClusterName::default(), cluster)]));
        let question = |index: usize| {
            let metadata = json!({ "name": format!("a{index}"), "namespace": "b" });
            let object = Object::new(json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata }));
            let object = object.expect("an object");
            let form = form(&name, &object, rehearsal);
            Question { cluster: name.clone(), object, force: false, rehearsal, form }
        };
        let answers = ask(&clusters, (0..20).map(question).collect()).await.expect("answers");
        (asked.load(Ordering::Relaxed), answers)
    }

    fn webhook(resource: &str) -> (u16, serde_json::Value) {
        let rules = json!([{ "resources": [resource] }]);
        let metadata = json!({ "name": "w" });
        (200, json!({ "items": [{ "metadata": metadata, "webhooks": [{ "name": "w", "rules": rules }] }] }))
    }

    #[tokio::test]
    async fn one_of_a_form_is_asked_for_all() {
        let (asked, answers) = dry_runs(false, webhook("pods"), 200).await;
        assert_eq!(asked, 1);
        assert_eq!(answers.len(), 20);
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Accepted { .. })));
        assert_eq!(
            dry_runs(true, webhook("configmaps"), 200).await.0,
            1,
            "a rehearsal is about the server's own rules"
        );
    }

    #[tokio::test]
    async fn where_more_may_judge_each_is_asked() {
        assert_eq!(dry_runs(false, webhook("configmaps"), 200).await.0, 20);
        let forbidden = json!({ "reason": "Forbidden", "message": "no" });
        assert_eq!(dry_runs(false, (403, forbidden), 200).await.0, 20);
    }

    #[tokio::test]
    async fn where_one_is_refused_each_is_asked() {
        let (asked, answers) = dry_runs(false, webhook("pods"), 422).await;
        assert_eq!(asked, 20);
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Refused { code: 422, .. })));
    }
}
