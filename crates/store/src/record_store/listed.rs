//! Whom a list of codici fiscali names, as entries of the access log name them.

use std::collections::BTreeSet;

use registry::codice_fiscale::TaxCode;
use registry::identifier::PersonId;

use crate::keys::token::{Token, TokenDomain, Tokenizer};
use crate::record_store::ReadError;
use crate::record_store::read::Reader;

/// The persons whose cards bear a codice fiscale: one as a rule.
#[derive(Clone)]
pub struct Listed {
    persons: BTreeSet<PersonId>,
    pseudonyms: Tokenizer,
}

/// It stands for a person: debugging output says nothing about whom.
impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listed(..)")
    }
}

impl Listed {
    /// The pseudonyms under which entries of a year in Rome name them for a municipality, by its identity.
    pub fn pseudonyms(&self, municipality: &str, year: u16) -> Vec<Token> {
        let domain = TokenDomain::Pseudonym { municipality, year };
        let tokens = self
            .persons
            .iter()
            .map(|person| self.pseudonyms.token(domain, person.0.as_bytes()));
        tokens.collect()
    }
}

impl Reader {
    /// The persons behind a codice fiscale, past codes among them, as the cards are now.
    pub(super) fn listed(&self, code: &TaxCode) -> Result<Listed, ReadError> {
        let visible = self.projection.visible();
        let lead = self.projection.tax_code(code.as_str());
        let mut persons = BTreeSet::new();
        for record in self.projection.cards_of(lead, visible)? {
            let version = self.projection.version_at(record, visible)?;
            persons.extend(version.map(|version| version.person));
        }
        Ok(Listed {
            persons,
            pseudonyms: self.pseudonyms.clone(),
        })
    }
}
