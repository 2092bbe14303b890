//! Comparison of one declaration.

use agreement::declarations::Attempt;
use agreement::moment::Moment;
use agreement::request::DeclaredPerson;
use store::keys::token::TokenDomain;
use store::record_store::RecordStore;
use store::record_store::answer::{Question, VerificationOutcome, VersionStanding};
use tonic::Status;
use wire::convert::{DataAge, VerificationCall, verification_answer};
use wire::proto::consultation::v1 as pb;

use super::{criteria, question, settlement};
use crate::entry::Call;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    /// Answers on a step: what may not be compared takes another time than what is not held.
    pub(super) async fn verify_declaration(
        &self,
        call: Call,
        verification: VerificationCall,
    ) -> Result<pb::VerifyDeclarationResponse, Status> {
        let arrived = call.arrived;
        let answer = self.compare_declaration(call, verification).await;
        self.pace.hold(arrived).await;
        answer
    }

    async fn compare_declaration(
        &self,
        call: Call,
        verification: VerificationCall,
    ) -> Result<pb::VerifyDeclarationResponse, Status> {
        let VerificationCall {
            request,
            key,
            claim,
            receipt,
        } = verification;
        self.complete(&call).await?;
        let question = question(&key);
        let mut criteria = criteria(&question);
        criteria.push(("verification".to_owned(), claim.kind().name().to_owned()));
        // The declarant is what an entry without this criterion is about.
        if request.declared == DeclaredPerson::Named {
            criteria.push(("declared_person".to_owned(), "named".to_owned()));
        }
        let attempts = |moment: Moment| {
            Attempt::all_of(
                &request,
                &[identifier(&question)],
                &claim,
                moment.date(),
                |bytes| self.declaration_hash(bytes),
            )
        };
        let granted = self
            .decide_declaration(&call, &request, criteria, attempts)
            .await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self.store.verify(&permit, &question, &claim, draft).await;
        let settle = |outcome: &VerificationOutcome| settlement(outcome.answer.is_none());
        let (outcome, committed) = self.commit(pending, read, settle).await?;
        let VerificationOutcome { answer, version } = outcome;
        let Some(answer) = answer else {
            return Err(self.nobody(&call, &permit, &committed));
        };
        let (answer, reason) = verification_answer(answer);
        // A verification shows no datum, and so no municipality's data either.
        let freshness = DataAge::OldestInTerritory(self.oldest_age(&permit));
        Ok(pb::VerifyDeclarationResponse {
            answer: answer.into(),
            reason: reason.into(),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
            restored: version == VersionStanding::Restored,
        })
    }

    pub(super) fn declaration_hash(&self, bytes: &[u8]) -> [u8; 16] {
        *self
            .declaration_tokens
            .token(TokenDomain::Declaration, bytes)
            .as_bytes()
    }
}

/// The identifier as the rule of three counts it: the 128 forms of a codice fiscale under omocodia are one.
pub(super) fn identifier(question: &Question) -> (String, String) {
    let (name, value) = question.criterion();
    let value = match question {
        Question::TaxCode(code) => match code.definitive() {
            Some(code) => code.base().as_str().to_owned(),
            None => value,
        },
        Question::NationalId(_) | Question::Found(_) | Question::Generalities(_) => value,
    };
    (name.to_owned(), value)
}
