//! Asks the server what it would make of changes: dry-runs, in parallel.
use super::WorkflowError;
use crate::cluster::{Apply, Cluster, ClusterError};
use crate::plan::{Answer, Question};

/// Answers each question of a plan, in order.
pub(crate) async fn ask(cluster: &Cluster, questions: Vec<Question>) -> Result<Vec<Answer>, WorkflowError> {
    let asked = questions.into_iter().map(|question| async move {
        let apply = Apply { force: question.force, dry_run: true };
        match cluster.apply(&question.object, apply).await {
            Ok(outcome) => Ok(Answer::Accepted { object: Box::new(outcome.object), warnings: outcome.warnings }),
            Err(error) => answer(error),
        }
    });
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().collect::<Result<_, _>>().map_err(WorkflowError::doing("the plan could not be tried"))
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
        // The object itself cannot be what is missing: an apply would make it.
        ClusterError::NotFound(_) => Answer::NotPreviewable { reason: message },
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
    use crate::model::{Kind, Object, ServedKind};

    async fn answer_to(code: u16, status: serde_json::Value) -> Answer {
        let code = StatusCode::from_u16(code).expect("a code");
        let router = Router::new().fallback(move || async move { (code, status.to_string()) });
        let cluster = connect(Target::Service(router), Settings::default()).await.expect("a client");
        let versions = vec!["v1".to_owned()];
        let kind = Kind::new("v1", "Service");
        cluster.learn([ServedKind { kind, versions, plural: "services".to_owned(), namespaced: true }]);
        let json = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "a", "namespace": "b" } });
        let question = Question { object: Object::new(json).expect("an object"), force: false };
        ask(&cluster, vec![question]).await.expect("an answer").remove(0)
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
        for (code, message) in
            [(404, "namespaces \"b\" not found"), (400, "admission webhook \"w\" does not support dry run")]
        {
            let answer = answer_to(code, json!({ "reason": "X", "message": message })).await;
            assert_eq!(answer, Answer::NotPreviewable { reason: message.to_owned() });
        }
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_code() {
        let answer = answer_to(403, json!({ "reason": "Forbidden", "message": "exceeded quota" })).await;
        assert!(matches!(answer, Answer::Refused { code: 403, .. }));
    }
}
