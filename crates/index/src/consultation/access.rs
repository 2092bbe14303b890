//! What the caller may ask, and its receipts.

use agreement::context::AgreementId;
use agreement::describe::describe;
use agreement::reason::Reason;
use agreement::service::VerificationKind;
use agreement::usage::Settlement;
use ledger::header::Header;
use ledger::name::Origin;
use ledger::receipt::Receipt;
use store::access_log::draft::Sealed;
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::{AccessInquiry, ReceiptInquiry, access_description, full_receipt};
use wire::proto::consultation::v1 as pb;
use wire::status::{Details, status_for};

use super::verify::identifier;
use super::{criteria, question};
use crate::entry::{Call, told};
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    pub(super) async fn describe_access(
        &self,
        call: Call,
        inquiry: AccessInquiry,
    ) -> Result<pb::DescribeAccessResponse, Status> {
        let AccessInquiry {
            request,
            about,
            receipt,
        } = inquiry;
        let question = about.as_ref().map(question);
        let asked = question.as_ref().map(criteria).unwrap_or_default();
        let granted = self.decide(&call, &request, asked).await?;
        let (permit, draft, pending) = granted.into_reading();
        let (_, committed) = self
            .commit(pending, Ok(Sealed::new((), draft)), |()| Settlement::Hit)
            .await?;
        let agreements = self.agreements.load_full();
        let moment = permit.moment();
        let identifiers = question.map(|question| [identifier(&question)]);
        let left =
            |agreement: &AgreementId, kind: VerificationKind| {
                let identifiers = identifiers.as_ref()?;
                let hash = |bytes: &[u8]| self.declaration_hash(bytes);
                Some(self.with_declarations(|counters| {
                    counters.remainder(agreement, identifiers, kind, moment, hash)
                }))
            };
        let description =
            self.with_usage(|counters| describe(&agreements, &call.peer, counters, left, moment));
        let mut response = access_description(description);
        response.receipt = Some(self.receipt(&committed, receipt));
        Ok(response)
    }

    pub(super) async fn get_receipt(
        &self,
        call: Call,
        inquiry: ReceiptInquiry,
    ) -> Result<pb::GetReceiptResponse, Status> {
        let ReceiptInquiry {
            request,
            origin,
            index,
        } = inquiry;
        let criteria = vec![("index".to_owned(), index.to_string())];
        let granted = self.decide(&call, &request, criteria).await?;
        let (_, mut draft, pending) = granted.into_reading();
        let own = self.own_receipt(&call, &origin, index);
        if own.is_none() {
            draft.header.outcome = told(Reason::ResourceNotFound);
        }
        let (own, _) = self
            .commit(pending, Ok(Sealed::new(own, draft)), |_| Settlement::Hit)
            .await?;
        let receipt = own.ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        Ok(pb::GetReceiptResponse {
            receipt: Some(full_receipt(self.log.origin(), receipt)),
        })
    }

    /// The receipt of an entry of the caller; somebody else's entry is none.
    fn own_receipt(&self, call: &Call, origin: &Origin, index: u64) -> Option<Receipt> {
        if origin != self.log.origin() {
            return None;
        }
        let receipt = self.log.receipt(index).ok()?;
        let header = Header::decode(&receipt.header).ok()?;
        (header.body.peer == Some(call.peer.id.to_string())).then_some(receipt)
    }
}
