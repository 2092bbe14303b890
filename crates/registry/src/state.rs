//! States and territories of citizenship, birth and residence, ceased ones included.
//!
//! The published table gives no validity for existing states: they count as valid on every day, and only ceased
//! states end. Territories without a cadastral code cannot be read from a codice fiscale.

use std::sync::LazyLock;

use chrono::NaiveDate;

use crate::identifier::{CadastralCode, StateCode};
use crate::validity::{Standing, Validity, compact_date};

/// `istat, cadastral, iso3, admitted, valid_from, valid_to, name`, tab-separated, sorted.
const TABLE: &str = include_str!("../data/states.tsv");

static STATES: LazyLock<Vec<State>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(State::from_row).collect());

/// A state, a territory or one of the special entries (stateless, not attributable, being defined).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    code: Option<StateCode>,
    cadastral: Option<CadastralCode>,
    iso3: &'static str,
    name: &'static str,
    validity: Validity,
    admitted: Admitted,
}

/// In which roles ANPR admits a state; what the source leaves empty is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Admitted {
    citizenship: bool,
    birth: bool,
    residence: bool,
}

/// Code of Italy, 100.
pub const ITALY: &str = "100";
/// Code of statelessness (*apolide*), 999.
pub const STATELESS: &str = "999";
/// Code of a citizenship that is still being defined (*in corso di definizione*), 997: no statement about anybody.
pub const BEING_DEFINED: &str = "997";
/// Code of a citizenship that cannot be attributed (*non attribuibile*), 998: no statement about anybody either.
pub const NOT_ATTRIBUTABLE: &str = "998";

impl State {
    fn from_row(row: &'static str) -> Option<Self> {
        let mut fields = row.split('\t');
        let mut field = || fields.next();
        let state = Self {
            code: StateCode::parse(field()?).ok(),
            cadastral: CadastralCode::parse(field()?).ok(),
            iso3: field()?,
            admitted: match field()?.as_bytes() {
                [citizenship, birth, residence] => Admitted {
                    citizenship: *citizenship == b'S',
                    birth: *birth == b'S',
                    residence: *residence == b'S',
                },
                _ => return None,
            },
            validity: Validity {
                from: compact_date(field()?),
                to: compact_date(field()?),
            },
            name: field()?,
        };
        Some(state)
    }

    /// ISTAT code; some ceased states and territories have none.
    pub fn code(&self) -> Option<StateCode> {
        self.code
    }

    /// Cadastral code, beginning with Z.
    pub fn cadastral(&self) -> Option<CadastralCode> {
        self.cadastral
    }

    /// ISO 3166 alpha-3 code, or empty.
    pub fn iso3(&self) -> &'static str {
        self.iso3
    }

    /// Italian name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// When the state existed, as far as the table says.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether ANPR admits it as a citizenship.
    pub fn admitted_as_citizenship(&self) -> bool {
        self.admitted.citizenship
    }

    /// Whether ANPR admits it as a birth place.
    pub fn admitted_as_birth_place(&self) -> bool {
        self.admitted.birth
    }

    /// Whether ANPR admits it as a residence.
    pub fn admitted_as_residence(&self) -> bool {
        self.admitted.residence
    }

    /// How `day` lies to the state's existence.
    pub fn standing_on(&self, day: NaiveDate) -> Standing {
        if self.validity.contains(day) {
            Standing::Valid
        } else if self.validity.ended_before(day) {
            Standing::AfterEnd
        } else {
            Standing::BeforeFirstPeriod
        }
    }
}

/// Every entry, those without ISTAT code first, then by code.
pub fn all() -> &'static [State] {
    &STATES
}

/// The state of an ISTAT code.
pub fn by_code(code: StateCode) -> Option<&'static State> {
    STATES
        .binary_search_by_key(&Some(code), |state| state.code)
        .ok()
        .and_then(|at| STATES.get(at))
}

/// The state of a cadastral code, existing or ceased.
pub fn by_cadastral(code: CadastralCode) -> Option<&'static State> {
    STATES.iter().find(|state| state.cadastral == Some(code))
}

/// The state of a cadastral code, if it existed on `day`.
pub fn by_cadastral_at(code: CadastralCode, day: NaiveDate) -> Option<&'static State> {
    by_cadastral(code).filter(|state| state.validity.contains(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cadastral(text: &str) -> CadastralCode {
        CadastralCode::parse(text).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        assert_eq!(all().len(), TABLE.lines().count() - 1);
        assert_eq!(all().len(), 252);
        for (state, row) in all().iter().zip(TABLE.lines().skip(1)) {
            let fields: Vec<_> = row.split('\t').collect();
            assert_eq!(fields.len(), 7, "{row}");
            assert_eq!(state.code.is_none(), fields[0].is_empty(), "{row}");
            assert_eq!(state.cadastral.is_none(), fields[1].is_empty(), "{row}");
            assert_eq!(state.validity.from.is_none(), fields[4].is_empty(), "{row}");
            assert_eq!(state.validity.to.is_none(), fields[5].is_empty(), "{row}");
            assert!(!state.name.is_empty(), "{row}");
        }
    }

    #[test]
    fn codes_lead_back_to_their_state() {
        assert!(all().windows(2).all(|pair| pair[0].code <= pair[1].code));
        for state in all() {
            if let Some(code) = state.code() {
                assert_eq!(by_code(code), Some(state));
            }
            if let Some(code) = state.cadastral() {
                assert_eq!(by_cadastral(code), Some(state));
                assert!(code.as_str().starts_with('Z'));
            }
        }
    }

    #[test]
    fn states_are_found_by_either_code() {
        for (istat, code, name) in [
            ("201", "Z100", "ALBANIA"),
            ("436", "Z330", "MAROCCO"),
            ("235", "Z129", "ROMANIA"),
            ("605", "Z602", "BRASILE"),
        ] {
            let state = by_code(StateCode::parse(istat).unwrap()).unwrap();
            assert_eq!((state.name(), state.cadastral()), (name, Some(cadastral(code))));
        }
        assert_eq!(by_code(StateCode::parse("000").unwrap()), None);
        assert_eq!(by_cadastral(cadastral("Z999")), None);
    }

    #[test]
    fn a_ceased_state_ends() {
        let soviet_union = cadastral("Z135");
        assert!(by_cadastral_at(soviet_union, day("1992-03-31")).is_some());
        assert_eq!(by_cadastral_at(soviet_union, day("1992-04-01")), None);
        let state = by_cadastral(soviet_union).unwrap();
        assert_eq!(state.standing_on(day("2000-01-01")), Standing::AfterEnd);
        let serbia_montenegro = by_cadastral(cadastral("Z157")).unwrap();
        assert_eq!(
            serbia_montenegro.standing_on(day("2003-02-03")),
            Standing::BeforeFirstPeriod
        );
        assert_eq!(serbia_montenegro.standing_on(day("2003-02-04")), Standing::Valid);
    }

    #[test]
    fn italy_is_a_citizenship_and_no_foreign_birth_place() {
        let italy = by_code(StateCode::parse(ITALY).unwrap()).unwrap();
        assert!(italy.admitted_as_citizenship() && italy.admitted_as_residence());
        assert!(!italy.admitted_as_birth_place());
        assert_eq!(italy.cadastral(), None);
        for (code, name) in [
            (BEING_DEFINED, "In corso di definizione"),
            (NOT_ATTRIBUTABLE, "NON ATTRIBUIBILE"),
        ] {
            assert_eq!(by_code(StateCode::parse(code).unwrap()).unwrap().name(), name);
        }
        let stateless = by_code(StateCode::parse(STATELESS).unwrap()).unwrap();
        assert!(stateless.admitted_as_citizenship());
        assert!(!stateless.admitted_as_birth_place() && !stateless.admitted_as_residence());
    }
}
