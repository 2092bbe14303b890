//! What contradicts the municipality's cards.

use registry::identifier::{IstatCode, LocalId};
use registry::linking::AnomalyKind;
use wire::convert::Invalid;
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::Repeat;
use crate::convert::{each, unknown_value};
use crate::error::ClientError;
use crate::node::NodeClient;
use crate::page::{Page, PageRequest};

/// A contradiction between a card of the municipality and another card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What contradicts.
    pub kind: AnomalyKind,
    /// The municipality's number for its own card.
    pub local_id: LocalId,
    /// Who keeps the other card, where that may be said.
    pub other: Option<IstatCode>,
}

impl NodeClient {
    /// A page of what contradicts the municipality's cards. Each anomaly is an entry of the access log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_anomalies(
        &self,
        municipality: IstatCode,
        page: &PageRequest,
    ) -> Result<Page<Anomaly>, ClientError> {
        let message = proto::ListAnomaliesRequest {
            municipality: municipality.to_string(),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_anomalies(request).await
            })
            .await?;
        let proto::ListAnomaliesResponse {
            anomalies,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("anomalies", anomalies, TryInto::try_into)?,
            next_page_token,
        ))
    }
}

impl TryFrom<proto::Anomaly> for Anomaly {
    type Error = Invalid;

    fn try_from(message: proto::Anomaly) -> Result<Self, Invalid> {
        let proto::Anomaly {
            code,
            local_id,
            other_municipality,
        } = message;
        let other = (!other_municipality.is_empty()).then(|| IstatCode::parse(&other_municipality));
        Ok(Self {
            kind: AnomalyKind::from_code(&code).ok_or_else(|| unknown_value("code"))?,
            local_id: LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
            other: other
                .transpose()
                .map_err(|error| Invalid::new("other_municipality", error))?,
        })
    }
}
