//! Parents of whom an answer tells by the card of a child: they influence it as everybody whose data it shows.
//!
//! They are found by the codice fiscale that the card names them by; it is looked up for the entry alone, and nothing of
//! what is found leaves in the answer. A parent whom the card names without a code is nobody to whom the entry could lead.

use agreement::claim::Claim;
use agreement::field::{Field, FieldSet};
use agreement::permit::Permit;
use agreement::view::person::PersonView;
use registry::municipality::MunicipalityId;
use registry::record::{ParentRole, Record};

use crate::access_log::part_content::SubjectRole;
use crate::projection::ProjectionError;
use crate::record_store::read::{Reader, Seen};
use crate::record_store::subjects::Findings;

/// Cards under one code that are looked at for a parent: more than this are nobody's.
const MOST_CARDS: usize = 16;

impl Reader {
    /// Notes the parents whom the view of a card shows.
    pub(super) fn note_parents(
        &self,
        permit: &Permit,
        card: &Record,
        view: &PersonView,
        findings: &mut Findings,
    ) -> Result<(), ProjectionError> {
        for shown in &view.parents {
            self.note_parent(permit, card, shown.role, SubjectRole::Shown, findings)?;
        }
        Ok(())
    }

    /// Notes the parent with whom a declaration is compared.
    pub(super) fn note_compared_parents(
        &self,
        permit: &Permit,
        claim: &Claim,
        seen: &Seen,
        fields: FieldSet,
        findings: &mut Findings,
    ) -> Result<(), ProjectionError> {
        let role = match claim {
            Claim::Paternity(_) => ParentRole::Father,
            Claim::Maternity(_) => ParentRole::Mother,
            _ => return Ok(()),
        };
        if !fields.contains(Field::Parents) {
            return Ok(());
        }
        self.note_parent(permit, &seen.record, role, SubjectRole::Compared, findings)
    }

    fn note_parent(
        &self,
        permit: &Permit,
        card: &Record,
        role: ParentRole,
        how: SubjectRole,
        findings: &mut Findings,
    ) -> Result<(), ProjectionError> {
        let visible = findings.visible();
        for parent in card.parents.iter().filter(|parent| parent.role == role) {
            let Some(code) = parent.tax_code else { continue };
            let led = self
                .projection
                .cards_of(self.projection.tax_code(code.as_str()), visible)?;
            for record in led.into_iter().take(MOST_CARDS) {
                let Some(own) = self.version(permit, record, visible)? else {
                    continue;
                };
                let Some(known) = own.record else { continue };
                let bears = known.tax_codes.iter().any(|entry| entry.code == code);
                if let Some(municipality) = MunicipalityId::of_any(known.municipality)
                    && bears
                {
                    findings.as_parent(municipality, own.person, how);
                }
            }
        }
        Ok(())
    }
}
