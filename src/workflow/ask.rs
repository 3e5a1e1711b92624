//! Asks the server what it would make of changes: dry-runs, in parallel.
use super::WorkflowError;
use crate::cluster::{Apply, Cluster, ClusterError};
use crate::model::{Clusters, Object};
use crate::plan::{Answer, Question};

/// Answers each question of a plan, in order.
pub(crate) async fn ask(clusters: &Clusters<Cluster>, questions: Vec<Question>) -> Result<Vec<Answer>, WorkflowError> {
    let asked = questions.into_iter().map(|question| async move {
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
    });
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().collect::<Result<_, _>>().map_err(WorkflowError::doing("the plan could not be tried"))
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
    use axum::Router;
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::cluster::{Settings, Target, connect};
    use crate::model::{ClusterName, Kind, ServedKind};

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
        let question =
            Question { cluster: name, object: Object::new(json).expect("an object"), force: false, rehearsal };
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
}
