//! How the person entered and left the register: registration, cancellation, death, and the identity card.

use chrono::NaiveDate;

use crate::code::{AprCancellationReason, AprRegistrationReason, CancellationReason, RegistrationReason};
use crate::export::column::Column;
use crate::export::parse::Sheet;
use crate::export::parse::person::is_foreign;
use crate::finding::{FindingRule, card_rules, rules};
use crate::municipality;
use crate::record::{Cancellation, Death, IdentityDocument, Locality, Record, Register, Registration};

impl Sheet<'_> {
    pub(super) fn identity_document(&mut self) -> Option<IdentityDocument> {
        let columns = [
            Column::DocumentNumber,
            Column::DocumentIssuer,
            Column::DocumentIssued,
            Column::DocumentExpires,
        ];
        if !self.any_of(&columns) {
            return None;
        }
        let number = self.text(Column::DocumentNumber);
        let issuer = self.istat(Column::DocumentIssuer);
        let issued = self.date(Column::DocumentIssued);
        let expires = self.date(Column::DocumentExpires);
        if let Some(missing) = columns.into_iter().find(|column| self.is_empty(*column)) {
            self.note(&rules::PN070, missing);
            return None;
        }
        let document = IdentityDocument {
            number,
            issuer: issuer?,
            issued: issued?,
            expires: expires?,
        };
        if document.expires < document.issued {
            self.note(&rules::PN071, Column::DocumentExpires);
        }
        if self.context.reference_date < document.issued {
            self.note(&rules::ES089, Column::DocumentIssued);
        }
        if municipality::by_istat_at(document.issuer, document.issued).is_none() {
            self.note(&rules::EC078, Column::DocumentIssuer);
        }
        Some(document)
    }

    pub(super) fn registration(&mut self, register: Register) -> Option<Registration> {
        let effective = self.date(Column::RegistrationFrom);
        if self.is_empty(Column::RegistrationFrom) {
            self.note(&rules::PN081, Column::RegistrationFrom);
        }
        let origin = self.locality(
            Column::OriginMunicipality,
            Column::OriginState,
            effective,
            [&rules::EC179, &rules::EC182],
        );
        let code = self.value(Column::RegistrationReason)?;
        let unknown = if code.starts_with('C') {
            &rules::EC060
        } else {
            &rules::EC006
        };
        let reason = self.parsed(Column::RegistrationReason, unknown, |code| {
            RegistrationReason::from_code(code).ok()
        })?;
        if reason.register() != register {
            self.note(&rules::PN080, Column::RegistrationReason);
        }
        let comes_from_elsewhere = matches!(
            reason,
            RegistrationReason::Apr(AprRegistrationReason::Immigration | AprRegistrationReason::FromAbroad)
        );
        let origin_given = self.any_of(&[Column::OriginMunicipality, Column::OriginState]);
        if comes_from_elsewhere && !origin_given {
            self.note(&rules::ES086, Column::OriginMunicipality);
        }
        Some(Registration {
            reason,
            effective,
            origin,
        })
    }

    pub(super) fn cancellation(&mut self, register: Register) -> Option<Cancellation> {
        let columns = [Column::CancellationReason, Column::CancellationFrom];
        let destination_columns = [Column::DestinationMunicipality, Column::DestinationState];
        if !self.any_of(&columns) && !self.any_of(&destination_columns) {
            return None;
        }
        if let Some(missing) = columns.into_iter().find(|column| self.is_empty(*column)) {
            self.note(&rules::PN082, missing);
            return None;
        }
        let effective = self.date(Column::CancellationFrom);
        let destination = self.locality(
            Column::DestinationMunicipality,
            Column::DestinationState,
            effective,
            [&rules::EC172, &rules::EC175],
        );
        let reason = self.parsed(Column::CancellationReason, &rules::EN370, |code| {
            CancellationReason::from_code(register, code).ok()
        });
        let goes_abroad = matches!(
            reason,
            Some(CancellationReason::Apr(
                AprCancellationReason::ForeignerMovedAbroad | AprCancellationReason::MoveAbroadToAire
            ))
        );
        if goes_abroad && matches!(destination, Some(Locality::Municipality(_))) {
            self.note(&rules::EN377, Column::DestinationMunicipality);
        }
        Some(Cancellation {
            reason: reason?,
            effective: effective?,
            destination,
        })
    }

    pub(super) fn death(&mut self) -> Option<Death> {
        let date = self.date(Column::DeathDate);
        let place = self.locality(
            Column::DeathMunicipality,
            Column::DeathState,
            date,
            [&rules::EC106, &rules::EC170],
        );
        if self.is_empty(Column::DeathDate) && place.is_some() {
            self.note(&rules::PN093, Column::DeathDate);
        }
        date.map(|date| Death { date, place })
    }

    /// A municipality or a state, not both; `unknown` are the rules for one that the tables do not have.
    fn locality(
        &mut self,
        municipality_column: Column,
        state_column: Column,
        day: Option<NaiveDate>,
        unknown: [&'static FindingRule; 2],
    ) -> Option<Locality> {
        let [unknown_municipality, unknown_state] = unknown;
        if !self.is_empty(municipality_column) && !self.is_empty(state_column) {
            self.note(&rules::ES064, municipality_column);
            return None;
        }
        if let Some(code) = self.istat(municipality_column) {
            let day = day.unwrap_or(self.context.reference_date);
            if municipality::by_istat_at(code, day).is_none() {
                self.note(unknown_municipality, municipality_column);
            }
            return Some(Locality::Municipality(code));
        }
        let code = self.state(state_column)?;
        if !is_foreign(code) {
            self.note(unknown_state, state_column);
        }
        Some(Locality::State(code))
    }

    /// Rules between the parts of a card.
    pub(super) fn compare_dates(&mut self, record: &Record) {
        for (rule, column) in card_rules(record, self.context.reference_date) {
            self.note(rule, column);
        }
    }
}
