//! Alerts, in the reader's scope.
//!
//! The regional auditor sees those about ordinary purposes, a municipal auditor those of them that are about its own
//! residents, without operator and entries; an agency's supervisor sees all of its own agency, and it alone those about
//! reserved purposes.

use std::sync::Arc;

use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::Slot;
use store::access_log::part_content::DetailPart;
use store::access_log::reading::ReadError;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{short_receipt, timestamp_from_unix_ms};
use wire::proto::audit::v1 as pb;

use crate::audit::statistics::{blocking, oversight_scope};
use crate::audit::{Audit, Reader};
use crate::call::call_of;
use crate::oversight::access::content;
use crate::oversight::alert::entry::RaisedAlert;
use crate::oversight::statistics::Scope;
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};

const METHOD: &str = "ponte.audit.v1.AuditService/ListAlerts";

/// One page of alerts.
struct Page {
    scope: Scope,
    limit: usize,
    from: u64,
    token: String,
}

impl<S: RecordStore> Audit<S> {
    pub(super) async fn alerts(
        &self,
        request: Request<pb::ListAlertsRequest>,
    ) -> Result<Response<pb::ListAlertsResponse>, Status> {
        let call = call_of(&request, METHOD)?;
        let pb::ListAlertsRequest {
            context,
            page_size: size,
            page_token,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let limit = page_size(size)?;
        let token = format!("{METHOD}|{}", reader.call.peer.id);
        let from = PageToken::open(&self.shared.page_key, &token, &page_token)?;
        let page = Page {
            scope: oversight_scope(&reader.scope),
            limit,
            from: from.map_or(0, |token| token.position),
            token,
        };
        let slot = self.shared.reserve()?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.list_alerts(slot, reader, page).await.map(Response::new)
        })
        .await
    }
}

impl<S: RecordStore> Shared<S> {
    async fn list_alerts(
        self: &Arc<Self>,
        slot: Slot,
        reader: Reader,
        page: Page,
    ) -> Result<pb::ListAlertsResponse, Status> {
        self.caught_up().await?;
        self.raise_alerts().await?;
        let shared = Arc::clone(self);
        let Page {
            scope,
            limit,
            from,
            token,
        } = page;
        let found = tokio::task::spawn_blocking(move || shared.alerts_from(&scope, from, limit));
        let (alerts, next) = blocking(found.await)?;
        let details = vec![
            ("what".to_owned(), "alerts".to_owned()),
            ("from".to_owned(), from.to_string()),
            ("alerts".to_owned(), alerts.len().to_string()),
        ];
        let draft = self.reading_draft(&reader, EntryKind::LogRead, details)?;
        let committed = self.enter(slot, draft).await?;
        let next = next.map(|position| PageToken { position, end: 0 }.seal(&self.page_key, &token));
        Ok(pb::ListAlertsResponse {
            alerts,
            next_page_token: next.unwrap_or_default(),
            origin: self.log.origin().as_str().to_owned(),
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
        })
    }

    /// Alerts of a scope from an entry on, and the entry with which to go on.
    fn alerts_from(
        &self,
        scope: &Scope,
        from: u64,
        limit: usize,
    ) -> Result<(Vec<pb::Alert>, Option<u64>), ReadError> {
        let mut alerts = Vec::new();
        for index in self
            .log
            .oversight_acts()
            .into_iter()
            .filter(|index| from <= *index)
        {
            if alerts.len() == limit {
                return Ok((alerts, Some(index)));
            }
            let wanted = |kind, part: &str| kind == EntryKind::AlertRaised && part == "detail";
            self.log.survey(index..index + 1, wanted, |entry| {
                let detail: Option<DetailPart> = content(&entry.parts, &PartKind::AdministrativeDetail);
                if entry.header.body.kind == EntryKind::AlertRaised
                    && let Some(alert) = detail.as_ref().and_then(RaisedAlert::read)
                {
                    alerts.extend(shown(scope, index, entry.header.time_ms, alert));
                }
            })?;
        }
        Ok((alerts, None))
    }
}

/// The alert as a scope shows it.
fn shown(scope: &Scope, index: u64, time_ms: u64, alert: RaisedAlert) -> Option<pb::Alert> {
    let RaisedAlert {
        kind,
        rule,
        agency,
        operator,
        reserved,
        first,
        last,
        counts,
        entries,
        places,
    } = alert;
    let (operator, entries) = match scope {
        Scope::Agency(own) if *own == agency => (operator, entries),
        Scope::Region if !reserved => (operator, entries),
        Scope::Municipality(own) if !reserved && !own.is_disjoint(&places) => (String::new(), Vec::new()),
        Scope::Agency(_) | Scope::Region | Scope::Municipality(_) => return None,
    };
    let counts = counts
        .into_iter()
        .map(|(name, count)| pb::AlertCount { name, count });
    Some(pb::Alert {
        index,
        raise_time: Some(timestamp_from_unix_ms(time_ms)),
        kind,
        rule,
        agency,
        operator,
        reserved,
        first_date: Some(first.into()),
        last_date: Some(last.into()),
        counts: counts.collect(),
        entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICE: &str = "spiffe://ponte.test/agency/questura-bo";

    fn alert(reserved: bool) -> RaisedAlert {
        RaisedAlert {
            kind: "volume".to_owned(),
            rule: "volume factor=4".to_owned(),
            agency: POLICE.to_owned(),
            operator: "m.esposito".to_owned(),
            reserved,
            first: "2026-11-02".parse().unwrap(),
            last: "2026-11-02".parse().unwrap(),
            counts: vec![("calls".to_owned(), 401)],
            entries: vec![7, 8],
            places: ["D360".to_owned(), "E289".to_owned()].into(),
        }
    }

    #[test]
    fn each_scope_shows_what_is_its_own() {
        let municipality = |code: &str| Scope::Municipality([code.to_owned()].into());
        let agency = |id: &str| Scope::Agency(id.to_owned());
        let (whole, without_operator) = (Some((true, 2)), Some((false, 0)));
        for (scope, ordinary, reserved) in [
            (Scope::Region, whole, None),
            (municipality("E289"), without_operator, None),
            (municipality("A944"), None, None),
            (agency(POLICE), whole, whole),
            (agency("spiffe://ponte.test/agency/asl-imola"), None, None),
        ] {
            for (is_reserved, expected) in [(false, ordinary), (true, reserved)] {
                let seen = shown(&scope, 9, 1_793_606_400_000, alert(is_reserved))
                    .map(|alert| (!alert.operator.is_empty(), alert.entries.len()));
                assert_eq!(seen, expected, "{scope:?} reserved {is_reserved}");
            }
        }
    }
}
