//! How the node's cards compare with the index's.

use std::collections::BTreeSet;

use registry::digest::{Bucket, CardDigest, DIGEST_VERSION, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::publication::{Epoch, Watermark};
use wire::convert::{Invalid, Rule};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::Repeat;
use crate::convert::{array, each, unknown_value};
use crate::error::ClientError;
use crate::node::NodeClient;

/// How the node's cards compare with the index's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// They differ in these buckets.
    Different(Vec<Bucket>),
    /// Epoch, version or sequence differ: compare again at this sequence.
    NotComparable(Watermark),
}

/// A page of the index's cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPage {
    /// Local id and digest, in order of local id.
    pub cards: Vec<(LocalId, CardDigest)>,
    /// Whether more follow after the last one.
    pub more: bool,
}

impl NodeClient {
    /// Compares the digest of the cards that the node held at `sequence` with that of the index.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn compare_digests(
        &self,
        municipality: IstatCode,
        epoch: Epoch,
        sequence: Watermark,
        digest: &SetDigest,
    ) -> Result<Comparison, ClientError> {
        let message = proto::CompareDigestsRequest {
            municipality: municipality.to_string(),
            epoch: epoch.0.to_vec(),
            sequence: sequence.0,
            digest_version: u32::from(DIGEST_VERSION),
            digest: digest.to_bytes(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).compare_digests(request).await
            })
            .await?;
        Ok(answer.try_into()?)
    }

    /// A page of the index's cards in some buckets as they are at `sequence`, those behind `after`; nothing where the
    /// index is elsewhere: compare again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_cards(
        &self,
        municipality: IstatCode,
        epoch: Epoch,
        sequence: Watermark,
        buckets: &BTreeSet<Bucket>,
        after: Option<&LocalId>,
    ) -> Result<Option<CardPage>, ClientError> {
        let message = proto::ListCardsRequest {
            municipality: municipality.to_string(),
            epoch: epoch.0.to_vec(),
            sequence: sequence.0,
            digest_version: u32::from(DIGEST_VERSION),
            buckets: buckets.iter().map(|bucket| u32::from(bucket.number())).collect(),
            after: after.map(ToString::to_string).unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_cards(request).await
            })
            .await?;
        let proto::ListCardsResponse {
            sequence: _,
            cards,
            more,
            comparable,
        } = answer;
        if !comparable {
            return Ok(None);
        }
        let read = |card: proto::CardDigest| {
            let proto::CardDigest { local_id, digest } = card;
            Ok((
                LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
                CardDigest::from_bytes(array("digest", &digest)?),
            ))
        };
        let cards = each("cards", cards, read)?;
        Ok(Some(CardPage { cards, more }))
    }
}

impl TryFrom<proto::CompareDigestsResponse> for Comparison {
    type Error = Invalid;

    fn try_from(message: proto::CompareDigestsResponse) -> Result<Self, Invalid> {
        let proto::CompareDigestsResponse {
            comparison,
            buckets,
            sequence,
        } = message;
        match proto::DigestComparison::try_from(comparison) {
            Ok(proto::DigestComparison::Equal) => Ok(Self::Equal),
            Ok(proto::DigestComparison::Different) => each("buckets", buckets, |number| {
                u16::try_from(number)
                    .ok()
                    .and_then(Bucket::new)
                    .ok_or_else(|| Invalid::new("", Rule::Range))
            })
            .map(Self::Different),
            Ok(proto::DigestComparison::NotComparable) => Ok(Self::NotComparable(Watermark(sequence))),
            Ok(proto::DigestComparison::Unspecified) | Err(_) => Err(unknown_value("comparison")),
        }
    }
}
