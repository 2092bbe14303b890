//! From canonical bytes back to the record.

use chrono::NaiveDate;

use crate::canonical::bytes::{Cursor, Malformed};
use crate::canonical::{CANONICAL_VERSION, WITHOUT_MEASURES, tag};
use crate::code::{
    AddressKind, CancellationReason, CivilStatus, HouseholdKind, HouseholdRole, RegistrationReason,
    ToponymSpecies,
};
use crate::codice_fiscale::TaxCode;
use crate::date::PartialDate;
use crate::identifier::{HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use crate::measure::{IdentitySeal, Measures, NewIdentity, Protection, ProtectionBasis, SealBasis};
use crate::record::{
    Address, BirthPlace, Cancellation, Death, Flags, ForeignAddress, Generalities, HouseholdLink,
    IdentityDocument, Locality, Parent, ParentRole, PersonName, Place, Record, Register, Registration,
    Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use crate::timeline::{Dated, Timeline};

/// Why bytes are not the canonical encoding of a record. Positions and tags only: never a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// No byte at all.
    #[error("a record has at least its version byte")]
    Empty,
    /// Written by a program that knows more than this one, or no record.
    #[error("canonical version {0} is not known")]
    Version(u8),
    /// The bytes end inside a field.
    #[error("the bytes end inside the field with tag {0:#04x}")]
    Truncated(u8),
    /// A tag that the version does not have.
    #[error("tag {0:#04x} is not known")]
    UnknownTag(u8),
    /// A field that must come earlier, or only once.
    #[error("the field with tag {0:#04x} is out of order or repeated")]
    Order(u8),
    /// A field without which there is no record.
    #[error("the field with tag {0:#04x} is missing")]
    Missing(u8),
    /// A value that is not the one encoding of a value of its type.
    #[error("the field with tag {0:#04x} holds no canonical value")]
    Value(u8),
}

/// Reads the canonical bytes of a record; accepts exactly what [`encode`](super::encode) can have written.
pub fn decode(bytes: &[u8]) -> Result<Record, CanonicalError> {
    let mut input = Cursor::new(bytes);
    let version = input.byte().map_err(|_| CanonicalError::Empty)?;
    if ![WITHOUT_MEASURES, CANONICAL_VERSION].contains(&version) {
        return Err(CanonicalError::Version(version));
    }
    let mut draft = Draft::default();
    let mut last = 0;
    while let Ok(tag) = input.byte() {
        if tag < last || (tag == last && !tag::repeats(tag)) {
            return Err(CanonicalError::Order(tag));
        }
        last = tag;
        if version == WITHOUT_MEASURES && tag::is_measure(tag) {
            return Err(CanonicalError::UnknownTag(tag));
        }
        let value = input.nested().map_err(|_| CanonicalError::Truncated(tag))?;
        draft.take(tag, value)?;
    }
    let record = draft.finish()?;
    // One card, one encoding: without measures it is written in version 1.
    if version == CANONICAL_VERSION && record.measures.is_empty() {
        return Err(CanonicalError::Version(version));
    }
    Ok(record)
}

/// The fields met so far.
#[derive(Default)]
struct Draft {
    municipality: Option<IstatCode>,
    local_id: Option<LocalId>,
    register: Option<Register>,
    surname: Option<PersonName>,
    given_name: Option<PersonName>,
    sex: Option<Sex>,
    birth_date: Option<PartialDate>,
    birth_place: Option<BirthPlace>,
    tax_codes: Vec<TaxCodeEntry>,
    national_id: Option<NationalId>,
    civil_status: Facts<CivilStatus>,
    citizenships: Facts<Vec<StateCode>>,
    parents: Vec<Parent>,
    residences: Facts<Residence>,
    households: Facts<HouseholdLink>,
    identity_document: Option<IdentityDocument>,
    registration: Option<Registration>,
    cancellation: Option<Cancellation>,
    death: Option<Death>,
    flags: Flags,
    measures: Measures,
}

/// Facts of one kind; the start of the last one, to see that they ascend.
struct Facts<T> {
    timeline: Timeline<T>,
    last: Option<Option<NaiveDate>>,
}

impl<T> Default for Facts<T> {
    fn default() -> Self {
        Self {
            timeline: Timeline::default(),
            last: None,
        }
    }
}

impl<T> Facts<T> {
    fn take(
        &mut self,
        value: &[u8],
        read: impl FnOnce(&mut Cursor<'_>) -> Result<T, Malformed>,
    ) -> Result<(), Malformed> {
        let mut input = Cursor::new(value);
        let from = input.optional(Cursor::date)?;
        if self.last.is_some_and(|last| from <= last) {
            return Err(Malformed);
        }
        self.last = Some(from);
        let value = read(&mut input)?;
        input.end()?;
        self.timeline.record(Dated { from, value });
        Ok(())
    }
}

impl Draft {
    fn take(&mut self, tag: u8, value: &[u8]) -> Result<(), CanonicalError> {
        if !self
            .read(tag, value)
            .map_err(|Malformed| CanonicalError::Value(tag))?
        {
            return Err(CanonicalError::UnknownTag(tag));
        }
        Ok(())
    }

    /// Whether the tag is known.
    fn read(&mut self, tag: u8, value: &[u8]) -> Result<bool, Malformed> {
        match tag {
            tag::MUNICIPALITY => self.municipality = Some(whole(value, istat)?),
            tag::LOCAL_ID => self.local_id = Some(parsed(value, LocalId::parse)?),
            tag::REGISTER => self.register = Some(whole(value, register)?),
            tag::SURNAME => self.surname = Some(whole(value, |input| person_name(input.rest()?))?),
            tag::GIVEN_NAME => self.given_name = Some(whole(value, |input| person_name(input.rest()?))?),
            tag::SEX => self.sex = Some(whole(value, sex)?),
            tag::BIRTH_DATE => self.birth_date = Some(whole(value, partial_date)?),
            tag::BIRTH_PLACE => self.birth_place = Some(whole(value, birth_place)?),
            tag::TAX_CODE => self.tax_codes.push(whole(value, tax_code_entry)?),
            tag::NATIONAL_ID => self.national_id = Some(parsed(value, NationalId::parse)?),
            tag::CIVIL_STATUS => self
                .civil_status
                .take(value, |input| code(input, CivilStatus::from_code))?,
            tag::CITIZENSHIPS => self.citizenships.take(value, states)?,
            tag::PARENT => self.parents.push(whole(value, parent)?),
            tag::RESIDENCE => self.residences.take(value, residence)?,
            tag::HOUSEHOLD => self.households.take(value, household)?,
            tag::IDENTITY_DOCUMENT => self.identity_document = Some(whole(value, identity_document)?),
            tag::REGISTRATION => self.registration = Some(whole(value, registration)?),
            tag::CANCELLATION => self.cancellation = Some(whole(value, cancellation)?),
            tag::DEATH => self.death = Some(whole(value, death)?),
            tag::FLAGS => self.flags = whole(value, flags)?,
            tag::PROTECTION => self.measures.protection = Some(whole(value, protection)?),
            tag::IDENTITY_SEAL => self.measures.seal = Some(whole(value, identity_seal)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn finish(self) -> Result<Record, CanonicalError> {
        Ok(Record {
            municipality: self
                .municipality
                .ok_or(CanonicalError::Missing(tag::MUNICIPALITY))?,
            local_id: self.local_id.ok_or(CanonicalError::Missing(tag::LOCAL_ID))?,
            register: self.register.ok_or(CanonicalError::Missing(tag::REGISTER))?,
            generalities: Generalities {
                surname: self.surname,
                given_name: self.given_name,
                sex: self.sex.ok_or(CanonicalError::Missing(tag::SEX))?,
                birth_date: self.birth_date.ok_or(CanonicalError::Missing(tag::BIRTH_DATE))?,
                birth_place: self
                    .birth_place
                    .ok_or(CanonicalError::Missing(tag::BIRTH_PLACE))?,
            },
            tax_codes: self.tax_codes,
            national_id: self.national_id,
            civil_status: self.civil_status.timeline,
            citizenships: self.citizenships.timeline,
            parents: self.parents,
            residences: self.residences.timeline,
            households: self.households.timeline,
            identity_document: self.identity_document,
            registration: self
                .registration
                .ok_or(CanonicalError::Missing(tag::REGISTRATION))?,
            cancellation: self.cancellation,
            death: self.death,
            flags: self.flags,
            measures: self.measures,
        })
    }
}

/// A value that fills its field.
fn whole<'a, T>(
    value: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let mut input = Cursor::new(value);
    let value = read(&mut input)?;
    input.end()?;
    Ok(value)
}

/// An identifier that fills its field.
fn parsed<T, E>(value: &[u8], parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Malformed> {
    let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
    parse(text).map_err(|_| Malformed)
}

fn code<T, E>(input: &mut Cursor<'_>, from_code: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Malformed> {
    from_code(input.text()?).map_err(|_| Malformed)
}

fn istat(input: &mut Cursor<'_>) -> Result<IstatCode, Malformed> {
    IstatCode::parse(input.ascii::<6>()?).map_err(|_| Malformed)
}

fn state(input: &mut Cursor<'_>) -> Result<StateCode, Malformed> {
    StateCode::parse(input.ascii::<3>()?).map_err(|_| Malformed)
}

fn states(input: &mut Cursor<'_>) -> Result<Vec<StateCode>, Malformed> {
    let mut states = Vec::new();
    while !input.is_empty() {
        states.push(state(input)?);
    }
    Ok(states)
}

fn register(input: &mut Cursor<'_>) -> Result<Register, Malformed> {
    match input.byte()? {
        0 => Ok(Register::Apr),
        1 => Ok(Register::Aire),
        _ => Err(Malformed),
    }
}

/// A name as it stands on the card: blanks already folded, so that no two encodings give one name.
fn person_name(text: &str) -> Result<PersonName, Malformed> {
    let name = PersonName::parse(text).map_err(|_| Malformed)?;
    if name.as_str() == text {
        Ok(name)
    } else {
        Err(Malformed)
    }
}

fn name(input: &mut Cursor<'_>) -> Result<PersonName, Malformed> {
    person_name(input.text()?)
}

/// A codice fiscale as it stands on the card: capitals, no blanks.
fn tax_code(input: &mut Cursor<'_>) -> Result<TaxCode, Malformed> {
    let text = input.text()?;
    let code = TaxCode::parse(text).map_err(|_| Malformed)?;
    if code.as_str() == text {
        Ok(code)
    } else {
        Err(Malformed)
    }
}

fn sex(input: &mut Cursor<'_>) -> Result<Sex, Malformed> {
    match input.byte()? {
        0 => Ok(Sex::Male),
        1 => Ok(Sex::Female),
        2 => Ok(Sex::Unknown),
        _ => Err(Malformed),
    }
}

fn partial_date(input: &mut Cursor<'_>) -> Result<PartialDate, Malformed> {
    let year = u16::from_be_bytes(*input.array::<2>()?);
    let known = |part: u8| (part != 0).then_some(part);
    let (month, day) = (known(input.byte()?), known(input.byte()?));
    PartialDate::new(year.into(), month, day).map_err(|_| Malformed)
}

fn birth_place(input: &mut Cursor<'_>) -> Result<BirthPlace, Malformed> {
    Ok(match input.byte()? {
        0 => BirthPlace::Municipality {
            istat: input.optional(istat)?,
            name: input.text()?.to_owned(),
            province: input.text()?.to_owned(),
        },
        1 => BirthPlace::Abroad {
            state: state(input)?,
            locality: input.text()?.to_owned(),
        },
        2 => BirthPlace::Exceptional(input.text()?.to_owned()),
        _ => return Err(Malformed),
    })
}

fn tax_code_entry(input: &mut Cursor<'_>) -> Result<TaxCodeEntry, Malformed> {
    Ok(TaxCodeEntry {
        code: tax_code(input)?,
        validated: input.flag()?,
        from: input.optional(Cursor::date)?,
    })
}

fn parent(input: &mut Cursor<'_>) -> Result<Parent, Malformed> {
    let role = match input.byte()? {
        0 => ParentRole::Father,
        1 => ParentRole::Mother,
        _ => return Err(Malformed),
    };
    Ok(Parent {
        role,
        surname: input.optional(name)?,
        given_name: input.optional(name)?,
        tax_code: input.optional(tax_code)?,
    })
}

fn residence(input: &mut Cursor<'_>) -> Result<Residence, Malformed> {
    let kind = code(input, AddressKind::from_code)?;
    let standing = match input.flag()? {
        false => ResidenceStanding::Definitive,
        true => ResidenceStanding::Provisional,
    };
    let place = match input.byte()? {
        0 => Place::Italian(address(input)?),
        1 => Place::Foreign(ForeignAddress {
            state: state(input)?,
            locality: input.text()?.to_owned(),
            line: input.text()?.to_owned(),
        }),
        2 => Place::Notional {
            municipality: istat(input)?,
        },
        _ => return Err(Malformed),
    };
    Ok(Residence {
        kind,
        place,
        standing,
    })
}

fn address(input: &mut Cursor<'_>) -> Result<Address, Malformed> {
    Ok(Address {
        municipality: istat(input)?,
        postcode: input.text()?.to_owned(),
        hamlet: input.text()?.to_owned(),
        species: u16::try_from(input.varint()?)
            .ok()
            .and_then(ToponymSpecies::from_number)
            .ok_or(Malformed)?,
        street: input.text()?.to_owned(),
        street_code: input.text()?.to_owned(),
        number: input.optional(|input| u32::try_from(input.varint()?).map_err(|_| Malformed))?,
        suffix: input.text()?.to_owned(),
        staircase: input.text()?.to_owned(),
        unit: input.text()?.to_owned(),
    })
}

fn household(input: &mut Cursor<'_>) -> Result<HouseholdLink, Malformed> {
    let household = code(input, HouseholdId::parse)?;
    let kind = match input.byte()? {
        0 => HouseholdKind::Family,
        1 => HouseholdKind::Convivenza,
        _ => return Err(Malformed),
    };
    Ok(HouseholdLink {
        household,
        role: code(input, |text| HouseholdRole::from_code(kind, text))?,
    })
}

fn identity_document(input: &mut Cursor<'_>) -> Result<IdentityDocument, Malformed> {
    Ok(IdentityDocument {
        number: input.text()?.to_owned(),
        issuer: istat(input)?,
        issued: input.date()?,
        expires: input.date()?,
    })
}

fn registration(input: &mut Cursor<'_>) -> Result<Registration, Malformed> {
    Ok(Registration {
        reason: code(input, RegistrationReason::from_code)?,
        effective: input.optional(Cursor::date)?,
        origin: input.optional(locality)?,
    })
}

fn cancellation(input: &mut Cursor<'_>) -> Result<Cancellation, Malformed> {
    let register = register(input)?;
    Ok(Cancellation {
        reason: code(input, |text| CancellationReason::from_code(register, text))?,
        effective: input.date()?,
        destination: input.optional(locality)?,
    })
}

fn death(input: &mut Cursor<'_>) -> Result<Death, Malformed> {
    Ok(Death {
        date: input.date()?,
        place: input.optional(locality)?,
    })
}

fn locality(input: &mut Cursor<'_>) -> Result<Locality, Malformed> {
    match input.byte()? {
        0 => istat(input).map(Locality::Municipality),
        1 => state(input).map(Locality::State),
        _ => Err(Malformed),
    }
}

fn protection(input: &mut Cursor<'_>) -> Result<Protection, Malformed> {
    let basis = ProtectionBasis::from_number(input.byte()?).ok_or(Malformed)?;
    let from = input.date()?;
    let until = input.optional(Cursor::date)?;
    if until.is_some_and(|until| until < from) {
        return Err(Malformed);
    }
    Ok(Protection { basis, from, until })
}

fn identity_seal(input: &mut Cursor<'_>) -> Result<IdentitySeal, Malformed> {
    Ok(IdentitySeal {
        basis: SealBasis::from_number(input.byte()?).ok_or(Malformed)?,
        from: input.date()?,
        identity: if input.flag()? {
            NewIdentity::Present
        } else {
            NewIdentity::Awaited
        },
    })
}

fn flags(input: &mut Cursor<'_>) -> Result<Flags, Malformed> {
    let bits = input.byte()?;
    if bits == 0 || 0b111 < bits {
        return Err(Malformed);
    }
    Ok(Flags {
        protected: bits & 1 != 0,
        procedure_open: bits & 2 != 0,
        not_certifiable: bits & 4 != 0,
    })
}
