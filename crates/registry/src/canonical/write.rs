//! From a record to its canonical bytes.

use crate::canonical::bytes::Writer;
use crate::canonical::{CANONICAL_VERSION, WITHOUT_MEASURES, tag};
use crate::code::HouseholdKind;
use crate::date::PartialDate;
use crate::identifier::{IstatCode, StateCode};
use crate::measure::{IdentitySeal, Measures, NewIdentity, Protection};
use crate::record::{
    Address, BirthPlace, Cancellation, Death, Flags, ForeignAddress, Generalities, HouseholdLink,
    IdentityDocument, Locality, Parent, ParentRole, PersonName, Place, Record, Register, Registration,
    Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use crate::timeline::{Dated, Timeline};

/// The canonical bytes of a record.
pub fn encode(record: &Record) -> Vec<u8> {
    let Record {
        municipality,
        local_id,
        register,
        generalities,
        tax_codes,
        national_id,
        civil_status,
        citizenships,
        parents,
        residences,
        households,
        identity_document,
        registration,
        cancellation,
        death,
        flags,
        measures,
    } = record;
    let mut out = Writer::with_capacity(512);
    out.byte(if measures.is_empty() {
        WITHOUT_MEASURES
    } else {
        CANONICAL_VERSION
    });
    out.field(tag::MUNICIPALITY, |out| istat(out, *municipality));
    out.field(tag::LOCAL_ID, |out| out.raw(local_id.as_str().as_bytes()));
    out.field(tag::REGISTER, |out| out.byte(register_byte(*register)));
    write_generalities(&mut out, generalities);
    for entry in tax_codes {
        out.field(tag::TAX_CODE, |out| tax_code(out, entry));
    }
    if let Some(id) = national_id {
        out.field(tag::NATIONAL_ID, |out| out.raw(id.as_str().as_bytes()));
    }
    facts(&mut out, tag::CIVIL_STATUS, civil_status, |out, status| {
        out.text(status.code())
    });
    facts(&mut out, tag::CITIZENSHIPS, citizenships, |out, states| {
        states.iter().for_each(|code| state(out, *code));
    });
    for entry in parents {
        out.field(tag::PARENT, |out| parent(out, entry));
    }
    facts(&mut out, tag::RESIDENCE, residences, residence);
    facts(&mut out, tag::HOUSEHOLD, households, household);
    if let Some(document) = identity_document {
        out.field(tag::IDENTITY_DOCUMENT, |out| write_document(out, document));
    }
    out.field(tag::REGISTRATION, |out| write_registration(out, registration));
    if let Some(cancellation) = cancellation {
        out.field(tag::CANCELLATION, |out| write_cancellation(out, cancellation));
    }
    if let Some(Death { date, place }) = death {
        out.field(tag::DEATH, |out| {
            out.date(*date);
            out.optional(*place, locality);
        });
    }
    let flags = flags_byte(flags);
    if flags != 0 {
        out.field(tag::FLAGS, |out| out.byte(flags));
    }
    write_measures(&mut out, measures);
    out.into_bytes()
}

fn write_generalities(out: &mut Writer, generalities: &Generalities) {
    let Generalities {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = generalities;
    if let Some(surname) = surname {
        out.field(tag::SURNAME, |out| out.raw(surname.as_str().as_bytes()));
    }
    if let Some(given_name) = given_name {
        out.field(tag::GIVEN_NAME, |out| out.raw(given_name.as_str().as_bytes()));
    }
    let sex = match sex {
        Sex::Male => 0,
        Sex::Female => 1,
        Sex::Unknown => 2,
    };
    out.field(tag::SEX, |out| out.byte(sex));
    out.field(tag::BIRTH_DATE, |out| partial_date(out, *birth_date));
    out.field(tag::BIRTH_PLACE, |out| match birth_place {
        BirthPlace::Municipality {
            istat: code,
            name,
            province,
        } => {
            out.byte(0);
            out.optional(*code, istat);
            out.text(name);
            out.text(province);
        }
        BirthPlace::Abroad {
            state: code,
            locality,
        } => {
            out.byte(1);
            state(out, *code);
            out.text(locality);
        }
        BirthPlace::Exceptional(place) => {
            out.byte(2);
            out.text(place);
        }
    });
}

/// One field for each fact: its start, then its value.
fn facts<T>(out: &mut Writer, tag: u8, timeline: &Timeline<T>, write: impl Fn(&mut Writer, &T)) {
    for Dated { from, value } in timeline.facts() {
        out.field(tag, |out| {
            out.optional(*from, Writer::date);
            write(out, value);
        });
    }
}

fn tax_code(out: &mut Writer, entry: &TaxCodeEntry) {
    let TaxCodeEntry {
        code,
        validated,
        from,
    } = entry;
    out.text(code.as_str());
    out.flag(*validated);
    out.optional(*from, Writer::date);
}

fn parent(out: &mut Writer, parent: &Parent) {
    let Parent {
        role,
        surname,
        given_name,
        tax_code,
    } = parent;
    out.byte(match role {
        ParentRole::Father => 0,
        ParentRole::Mother => 1,
    });
    out.optional(surname.as_ref(), name);
    out.optional(given_name.as_ref(), name);
    out.optional(tax_code.as_ref(), |out, code| out.text(code.as_str()));
}

fn residence(out: &mut Writer, residence: &Residence) {
    let Residence {
        kind,
        place,
        standing,
    } = residence;
    out.text(kind.code());
    out.flag(match standing {
        ResidenceStanding::Definitive => false,
        ResidenceStanding::Provisional => true,
    });
    match place {
        Place::Italian(address) => {
            out.byte(0);
            write_address(out, address);
        }
        Place::Foreign(ForeignAddress {
            state: code,
            locality,
            line,
        }) => {
            out.byte(1);
            state(out, *code);
            out.text(locality);
            out.text(line);
        }
        Place::Notional { municipality } => {
            out.byte(2);
            istat(out, *municipality);
        }
    }
}

fn write_address(out: &mut Writer, address: &Address) {
    let Address {
        municipality,
        postcode,
        hamlet,
        species,
        street,
        street_code,
        number,
        suffix,
        staircase,
        unit,
    } = address;
    istat(out, *municipality);
    out.text(postcode);
    out.text(hamlet);
    out.varint(species.code().into());
    out.text(street);
    out.text(street_code);
    out.optional(*number, |out, number| out.varint(number.into()));
    out.text(suffix);
    out.text(staircase);
    out.text(unit);
}

fn household(out: &mut Writer, link: &HouseholdLink) {
    let HouseholdLink { household, role } = link;
    out.text(household.as_str());
    out.byte(match role.kind() {
        HouseholdKind::Family => 0,
        HouseholdKind::Convivenza => 1,
    });
    out.text(role.code());
}

fn write_document(out: &mut Writer, document: &IdentityDocument) {
    let IdentityDocument {
        number,
        issuer,
        issued,
        expires,
    } = document;
    out.text(number);
    istat(out, *issuer);
    out.date(*issued);
    out.date(*expires);
}

fn write_registration(out: &mut Writer, registration: &Registration) {
    let Registration {
        reason,
        effective,
        origin,
    } = registration;
    out.text(reason.code());
    out.optional(*effective, Writer::date);
    out.optional(*origin, locality);
}

fn write_cancellation(out: &mut Writer, cancellation: &Cancellation) {
    let Cancellation {
        reason,
        effective,
        destination,
    } = cancellation;
    out.byte(register_byte(reason.register()));
    out.text(reason.code());
    out.date(*effective);
    out.optional(*destination, locality);
}

fn flags_byte(flags: &Flags) -> u8 {
    let Flags {
        protected,
        procedure_open,
        not_certifiable,
    } = flags;
    u8::from(*protected) | u8::from(*procedure_open) << 1 | u8::from(*not_certifiable) << 2
}

fn write_measures(out: &mut Writer, measures: &Measures) {
    let Measures { protection, seal } = measures;
    if let Some(Protection { basis, from, until }) = protection {
        out.field(tag::PROTECTION, |out| {
            out.byte(basis.number());
            out.date(*from);
            out.optional(*until, Writer::date);
        });
    }
    if let Some(IdentitySeal {
        basis,
        from,
        identity,
    }) = seal
    {
        out.field(tag::IDENTITY_SEAL, |out| {
            out.byte(basis.number());
            out.date(*from);
            out.flag(match identity {
                NewIdentity::Awaited => false,
                NewIdentity::Present => true,
            });
        });
    }
}

fn register_byte(register: Register) -> u8 {
    match register {
        Register::Apr => 0,
        Register::Aire => 1,
    }
}

fn partial_date(out: &mut Writer, date: PartialDate) {
    let year = u16::try_from(date.year()).expect("a partial date's year lies between 1800 and 9998");
    out.raw(&year.to_be_bytes());
    out.byte(date.month().unwrap_or(0));
    out.byte(date.day().unwrap_or(0));
}

fn locality(out: &mut Writer, locality: Locality) {
    match locality {
        Locality::Municipality(code) => {
            out.byte(0);
            istat(out, code);
        }
        Locality::State(code) => {
            out.byte(1);
            state(out, code);
        }
    }
}

fn name(out: &mut Writer, name: &PersonName) {
    out.text(name.as_str());
}

fn istat(out: &mut Writer, code: IstatCode) {
    out.raw(code.as_str().as_bytes());
}

fn state(out: &mut Writer, code: StateCode) {
    out.raw(code.as_str().as_bytes());
}
