//! `PublicationService/ListAnomalies`: what contradicts a municipality's cards. Each anomaly leaves with an entry of its
//! own.

use std::sync::Arc;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use registry::municipality::MunicipalityId;
use store::record_store::RecordStore;
use store::record_store::anomalies::{AnomalyPage, AnomalyQuestion, ShownAnomaly};
use store::rows::CommitSequence;
use tonic::Status;
use wire::proto::publication::v1 as pb;
use wire::status::{Details, status_for};

use crate::entry::{Call, usual_retention};
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached, log_failure};

/// Anomalies of a page at most: each is an entry that must be durable before the answer.
const MOST: usize = 100;

/// A page of the anomalies of a municipality for which the caller may speak.
pub(crate) async fn list<S: RecordStore>(
    shared: &Arc<Shared<S>>,
    call: Call,
    municipality: MunicipalityId,
    size: i32,
    token: &str,
) -> Result<pb::ListAnomaliesResponse, Status> {
    let limit = page_size(size)?.min(MOST);
    let scope = format!("{}|{}", call.method, municipality.as_str());
    let token = PageToken::open(&shared.page_key, &scope, token)?;
    shared.complete(&call).await?;
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    detached(&tasks, async move {
        // Places first: where the log takes no more, nothing is read.
        let slots = (0..limit)
            .map(|_| shared.reserve())
            .collect::<Result<Vec<_>, _>>()?;
        let question = AnomalyQuestion {
            municipality,
            today: shared.moment().date(),
            from: token.map_or(0, |token| token.position),
            limit,
            as_of: token.map(|token| CommitSequence(token.end)),
            contacts: &shared.contacts,
        };
        let draft = || call.draft(EntryKind::Publication, usual_retention());
        let page = shared.store.anomalies(&question, &draft).await.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "anomalies cannot be read"
            );
            status_for(Reason::Internal, Details::none())
        })?;
        let AnomalyPage {
            anomalies,
            next,
            as_of,
        } = page;
        let mut shown = Vec::with_capacity(anomalies.len());
        for (slot, sealed) in slots.into_iter().zip(anomalies) {
            let committed = shared.log.commit(slot, sealed).await;
            let (anomaly, _) = committed.map_err(|error| log_failure(&error))?;
            shown.push(to_wire(anomaly));
        }
        let next = next.map(|position| PageToken {
            position,
            end: as_of.0,
        });
        Ok(pb::ListAnomaliesResponse {
            anomalies: shown,
            next_page_token: next.map_or_else(String::new, |next| next.seal(&shared.page_key, &scope)),
        })
    })
    .await
}

fn to_wire(anomaly: ShownAnomaly) -> pb::Anomaly {
    let ShownAnomaly {
        kind,
        local_id,
        other,
    } = anomaly;
    let other = other
        .and_then(MunicipalityId::current)
        .and_then(|other| other.istat());
    pb::Anomaly {
        code: kind.code().to_owned(),
        local_id: local_id.to_string(),
        other_municipality: other.map(|code| code.to_string()).unwrap_or_default(),
    }
}
