//! Alerts, in the auditor's scope.

use chrono::{DateTime, NaiveDate, Utc};
use ledger::receipt::ShortReceipt;
use wire::convert::{Invalid, Rule, civil_date, timestamp_to_ms};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::auditor::{AuditorClient, ReadingContext};
use crate::connection::Repeat;
use crate::convert::{each, required};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};
use crate::receipt::{ShortClaim, claim_of};

/// What an operator did that calls for a look.
#[derive(Clone, PartialEq, Eq)]
pub struct Alert {
    /// Index of its own entry in the access log.
    pub index: u64,
    /// When it was raised.
    pub raised: DateTime<Utc>,
    /// Kind of rule.
    pub kind: String,
    /// The rule with its parameters.
    pub rule: String,
    /// The agency, a SPIFFE id.
    pub agency: String,
    /// The operator; none for a municipal auditor.
    pub operator: Option<String>,
    /// Whether it is about accesses for reserved purposes.
    pub reserved: bool,
    /// First day that it is about.
    pub first: NaiveDate,
    /// Last day that it is about.
    pub last: NaiveDate,
    /// What was counted, by name.
    pub counts: Vec<(String, u64)>,
    /// Entries that it is about, the last 20 of more; none for a municipal auditor.
    pub entries: Vec<u64>,
}

/// It names an operator: debugging output does not.
impl std::fmt::Debug for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alert")
            .field("index", &self.index)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A page of alerts, and the claim that the reading was entered.
#[derive(Clone, Debug)]
pub struct AlertPage {
    /// The alerts, in order of index.
    pub page: Page<Alert>,
    /// The entry that this reading made.
    pub receipt: ShortClaim,
}

impl AuditorClient {
    /// A page of the alerts in the auditor's scope.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn alerts(
        &self,
        context: &ReadingContext,
        page: &PageRequest,
    ) -> Result<AlertPage, ClientError> {
        let message = proto::ListAlertsRequest {
            context: Some(context.into()),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_alerts(request).await
            })
            .await?;
        let proto::ListAlertsResponse {
            alerts,
            next_page_token,
            origin: _,
            receipt,
        } = answer;
        let short = required("receipt", receipt)?;
        let origin = short.origin.clone();
        let receipt = ShortReceipt::try_from(short).map_err(|invalid| invalid.within("receipt"))?;
        Ok(AlertPage {
            page: Page::new(each("alerts", alerts, alert)?, next_page_token),
            receipt: claim_of(origin, receipt)?,
        })
    }
}

fn alert(alert: proto::Alert) -> Result<Alert, Invalid> {
    let proto::Alert {
        index,
        raise_time,
        kind,
        rule,
        agency,
        operator,
        reserved,
        first_date,
        last_date,
        counts,
        entries,
    } = alert;
    let raised = timestamp_to_ms("raise_time", raise_time)?;
    Ok(Alert {
        index,
        raised: DateTime::from_timestamp_millis(raised)
            .ok_or_else(|| Invalid::new("raise_time", Rule::Range))?,
        kind,
        rule,
        agency,
        operator: (!operator.is_empty()).then_some(operator),
        reserved,
        first: civil_date("first_date", first_date)?,
        last: civil_date("last_date", last_date)?,
        counts: counts
            .into_iter()
            .map(|proto::AlertCount { name, count }| (name, count))
            .collect(),
        entries,
    })
}
