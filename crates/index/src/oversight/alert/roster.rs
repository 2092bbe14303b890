//! The staff of an agency: which operator is which person.
//!
//! A file that nobody but the index reads, one person a line: the operator's id, a semicolon, the codice fiscale; empty
//! lines and lines that begin with `#` say nothing. Nothing of it is ever shown: an alert says that an operator asked about
//! a colleague, or about the own person, and not about whom.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use registry::codice_fiscale::TaxCode;
use store::record_store::listed::Listed;
use store::record_store::{ReadError, RecordStore};
use store::rows::CommitSequence;

use crate::oversight::access::{Name, Pseudonym, Subject};
use crate::oversight::alert::engine::Colleagues;
use crate::oversight::alert::{AlertKind, AlertRule};

/// The staff of one agency.
#[derive(Clone, PartialEq, Eq)]
pub struct Roster(Vec<(String, TaxCode)>);

/// Why a roster is refused. Nothing of the file is repeated.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// It cannot be read.
    #[error("the roster cannot be read")]
    Io(#[from] std::io::Error),
    /// Others may read it.
    #[error("the roster must be for its owner alone (mode 0600)")]
    Mode,
    /// A line is not of the form.
    #[error("line {0} of the roster is not an operator's id, a semicolon and a codice fiscale")]
    Line(usize),
    /// A person or an operator is there twice.
    #[error("line {0} of the roster repeats an operator or a codice fiscale")]
    Repeated(usize),
}

/// It is about persons: debugging output says how many.
impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roster({} persons)", self.0.len())
    }
}

impl Roster {
    /// Reads the file.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn load(path: &Path) -> Result<Self, RosterError> {
        let mut file = std::fs::File::open(path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(RosterError::Mode);
        }
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Self::parse(&text)
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn parse(text: &str) -> Result<Self, RosterError> {
        let mut persons: Vec<(String, TaxCode)> = Vec::new();
        let (mut operators, mut codes) = (BTreeSet::new(), BTreeSet::new());
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (operator, code) = line.split_once(';').ok_or(RosterError::Line(number))?;
            let operator = operator.trim();
            let code = TaxCode::parse(code.trim()).map_err(|_| RosterError::Line(number))?;
            if operator.is_empty() {
                return Err(RosterError::Line(number));
            }
            if !operators.insert(operator) || !codes.insert(code.as_str().to_owned()) {
                return Err(RosterError::Repeated(number));
            }
            persons.push((operator.to_owned(), code));
        }
        Ok(Self(persons))
    }

    /// How many persons it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The persons of all rosters, as entries name them.
#[derive(Debug, Default)]
pub(crate) struct Staff {
    rosters: Vec<(usize, Arc<Roster>)>,
    as_of: Option<CommitSequence>,
    listed: HashMap<usize, Vec<(String, Listed)>>,
    named: HashMap<(usize, Name, u16), HashMap<Pseudonym, String>>,
}

impl Staff {
    /// The rosters of some rules.
    pub(crate) fn of(rules: &[AlertRule]) -> Self {
        let rosters = rules
            .iter()
            .enumerate()
            .filter_map(|(number, rule)| match &rule.kind {
                AlertKind::Colleague { roster } => Some((number, Arc::clone(roster))),
                _ => None,
            });
        Self {
            rosters: rosters.collect(),
            ..Self::default()
        }
    }

    /// Looks again for the cards of everybody, when cards have changed.
    ///
    /// # Errors
    /// The cards cannot be read.
    pub(crate) fn refresh(&mut self, store: &impl RecordStore) -> Result<(), ReadError> {
        let visible = store.visible();
        if self.rosters.is_empty() || self.as_of == Some(visible) {
            return Ok(());
        }
        let mut listed = HashMap::new();
        for (number, roster) in &self.rosters {
            let mut persons = Vec::with_capacity(roster.len());
            for (operator, code) in &roster.0 {
                persons.push((operator.clone(), store.listed(code)?));
            }
            listed.insert(*number, persons);
        }
        self.listed = listed;
        self.named.clear();
        self.as_of = Some(visible);
        Ok(())
    }
}

impl Colleagues for Staff {
    fn who(&mut self, rule: usize, subject: &Subject, year: u16) -> Option<String> {
        let persons = self.listed.get(&rule)?;
        let place = Name::clone(&subject.place);
        let named = self.named.entry((rule, place, year)).or_insert_with(|| {
            let mut named = HashMap::new();
            for (operator, person) in persons {
                let pseudonyms = person.pseudonyms(&subject.place, year).into_iter();
                named.extend(pseudonyms.map(|pseudonym| (*pseudonym.as_bytes(), operator.clone())));
            }
            named
        });
        named.get(&subject.pseudonym).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_is_operators_with_their_codici_fiscali() {
        let text = "# staff\n\nm.esposito ; STTSGT90A01H501J\np.sarti;PRVGNN90R10H501Q\n";
        let roster = Roster::parse(text).unwrap();
        assert_eq!(roster.len(), 2);
        assert_eq!(format!("{roster:?}"), "Roster(2 persons)");
    }

    #[test]
    fn a_line_that_is_none_is_named_by_its_number_and_not_repeated() {
        for (text, expected) in [
            ("a;STTSGT90A01H501J\nb", "line 2 of the roster is not"),
            ("a;STTSGT90A01H501X", "line 1 of the roster is not"),
            (";STTSGT90A01H501J", "line 1 of the roster is not"),
            (
                "a;STTSGT90A01H501J\na;PRVGNN90R10H501Q",
                "line 2 of the roster repeats",
            ),
            (
                "a;STTSGT90A01H501J\nb;STTSGT90A01H501J",
                "line 2 of the roster repeats",
            ),
        ] {
            let told = Roster::parse(text).unwrap_err().to_string();
            assert!(told.starts_with(expected), "{told}");
            assert!(!told.contains("STTSGT"), "{told}");
        }
    }
}
