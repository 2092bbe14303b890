//! From cards to a file.

use std::borrow::Cow;
use std::io::{self, Write};

use chrono::NaiveDate;

use crate::change::{ActReference, ActText};
use crate::code::HouseholdKind;
use crate::export::ExportKind;
use crate::export::column::{COLUMNS, Column, ColumnSpec};
use crate::export::line::push_field;
use crate::export::operation::{Operation, StatedEvent};
use crate::identifier::{IstatCode, StateCode};
use crate::record::{
    Address, BirthPlace, ForeignAddress, Locality, Parent, ParentRole, PersonName, Place, Record, Register,
    Residence, ResidenceStanding, Sex,
};

/// Writes cards in the layout, as a back office would: what holds now, without history.
#[derive(Debug)]
pub struct ExportWriter<W> {
    kind: ExportKind,
    output: W,
    row: String,
}

impl<W: Write> ExportWriter<W> {
    /// Writes the header of a total export, without the columns of operations.
    pub fn new(output: W) -> io::Result<Self> {
        Self::of(ExportKind::Total, output)
    }

    /// Writes the header; that of an incremental export has the columns of operations too.
    pub fn of(kind: ExportKind, output: W) -> io::Result<Self> {
        let mut writer = Self {
            kind,
            output,
            row: String::new(),
        };
        writer.write_row(columns(kind).map(|spec| Cow::Borrowed(spec.name)))?;
        Ok(writer)
    }

    /// Writes the row of a card.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        self.write_row(columns(self.kind).map(|spec| value(record, spec.column)))
    }

    /// Writes the row of an operation and of the event behind it; in a total export only the card.
    pub fn write_operation(&mut self, operation: &Operation, event: &StatedEvent) -> io::Result<()> {
        self.write_row(columns(self.kind).map(|spec| match operation {
            _ if spec.column.tells_operation() => told(operation, event, spec.column),
            Operation::Publish(record) => value(record, spec.column),
            Operation::Withdraw(card) | Operation::Annul(card) if spec.column == Column::Card => {
                text(card.as_str())
            }
            Operation::Withdraw(_) | Operation::Annul(_) => EMPTY,
        }))
    }

    /// Flushes and gives the output back.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }

    fn write_row<'a>(&mut self, fields: impl Iterator<Item = Cow<'a, str>>) -> io::Result<()> {
        self.row.clear();
        for (position, field) in fields.enumerate() {
            if position != 0 {
                self.row.push(';');
            }
            push_field(&mut self.row, &field);
        }
        self.row.push_str("\r\n");
        self.output.write_all(self.row.as_bytes())
    }
}

fn columns(kind: ExportKind) -> impl Iterator<Item = &'static ColumnSpec> {
    COLUMNS
        .iter()
        .filter(move |spec| kind == ExportKind::Incremental || !spec.column.tells_operation())
}

fn told<'a>(operation: &Operation, event: &StatedEvent, column: Column) -> Value<'a> {
    let StatedEvent {
        kind,
        event_date,
        effective_date,
        registration_date,
        act,
    } = event;
    match column {
        Column::Operation => text(match operation {
            Operation::Publish(_) => "A",
            Operation::Withdraw(_) => "C",
            Operation::Annul(_) => "X",
        }),
        Column::EventKindValue => kind.map_or(EMPTY, |kind| text(kind.code())),
        Column::EventDate => date(*event_date),
        Column::EventEffective => date(*effective_date),
        Column::EventRegistered => date(*registration_date),
        _ => act.map_or(EMPTY, |act| reference(&act, column)),
    }
}

fn reference<'a>(act: &ActReference, column: Column) -> Value<'a> {
    let ActReference {
        municipality,
        office,
        year,
        part,
        series,
        number,
    } = act;
    let word = |word: &Option<ActText>| word.map_or(EMPTY, |word| Cow::Owned(word.as_str().to_owned()));
    match column {
        Column::ActMunicipality => Cow::Owned(municipality.to_string()),
        Column::ActOffice => word(office),
        Column::ActYear => Cow::Owned(year.to_string()),
        Column::ActPart => word(part),
        Column::ActSeries => word(series),
        Column::ActNumber => word(&Some(*number)),
        _ => EMPTY,
    }
}

type Value<'a> = Cow<'a, str>;

const EMPTY: Value<'static> = Cow::Borrowed("");

fn value(record: &Record, column: Column) -> Value<'_> {
    match column {
        Column::Card => text(record.local_id.as_str()),
        Column::Register => match record.register {
            Register::Apr => text("APR"),
            Register::Aire => text("AIRE"),
        },
        Column::Surname => name(record.generalities.surname.as_ref()),
        Column::GivenName => name(record.generalities.given_name.as_ref()),
        Column::Sex => match record.generalities.sex {
            Sex::Male => text("M"),
            Sex::Female => text("F"),
            Sex::Unknown => text("N"),
        },
        Column::BirthDate => Cow::Owned(record.generalities.birth_date.to_string()),
        Column::BirthMunicipality
        | Column::BirthIstat
        | Column::BirthProvince
        | Column::BirthState
        | Column::BirthLocality
        | Column::BirthExceptional => birth_place(&record.generalities.birth_place, column),
        Column::TaxCodeValue => record
            .tax_codes
            .last()
            .map_or(EMPTY, |entry| text(entry.code.as_str())),
        Column::TaxCodeValidated => record
            .tax_codes
            .last()
            .map_or(EMPTY, |entry| match entry.validated {
                true => text("1"),
                false => text("9"),
            }),
        Column::TaxCodeFrom => date(record.tax_codes.last().and_then(|entry| entry.from)),
        Column::NationalIdValue => record.national_id.as_ref().map_or(EMPTY, |id| text(id.as_str())),
        Column::CivilStatusValue => record
            .civil_status
            .latest()
            .map_or(EMPTY, |fact| text(fact.value.code())),
        Column::CivilStatusFrom => date(record.civil_status.latest().and_then(|fact| fact.from)),
        Column::Citizenships => record.citizenships.latest().map_or(EMPTY, |fact| {
            Cow::Owned(
                fact.value
                    .iter()
                    .map(StateCode::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            )
        }),
        Column::CitizenshipsFrom => date(record.citizenships.latest().and_then(|fact| fact.from)),
        Column::FatherSurname => parent(record, ParentRole::Father, |parent| name(parent.surname.as_ref())),
        Column::FatherGivenName => parent(record, ParentRole::Father, |parent| {
            name(parent.given_name.as_ref())
        }),
        Column::FatherTaxCode => parent(record, ParentRole::Father, parent_tax_code),
        Column::MotherSurname => parent(record, ParentRole::Mother, |parent| name(parent.surname.as_ref())),
        Column::MotherGivenName => parent(record, ParentRole::Mother, |parent| {
            name(parent.given_name.as_ref())
        }),
        Column::MotherTaxCode => parent(record, ParentRole::Mother, parent_tax_code),
        Column::AddressKindValue
        | Column::AddressMunicipality
        | Column::Postcode
        | Column::Hamlet
        | Column::Species
        | Column::Street
        | Column::StreetCode
        | Column::HouseNumber
        | Column::Suffix
        | Column::Staircase
        | Column::Unit
        | Column::ForeignState
        | Column::ForeignLocality
        | Column::ForeignLine
        | Column::Provisional
        | Column::NoFixedAbode => record
            .residences
            .latest()
            .map_or(EMPTY, |fact| residence(&fact.value, column)),
        Column::ResidenceFrom => date(record.residences.latest().and_then(|fact| fact.from)),
        Column::Household => record
            .households
            .latest()
            .map_or(EMPTY, |fact| text(fact.value.household.as_str())),
        Column::HouseholdKind => {
            record
                .households
                .latest()
                .map_or(EMPTY, |fact| match fact.value.role.kind() {
                    HouseholdKind::Family => text("F"),
                    HouseholdKind::Convivenza => text("C"),
                })
        }
        Column::HouseholdRole => record
            .households
            .latest()
            .map_or(EMPTY, |fact| text(fact.value.role.code())),
        Column::HouseholdFrom => date(record.households.latest().and_then(|fact| fact.from)),
        Column::DocumentNumber => record
            .identity_document
            .as_ref()
            .map_or(EMPTY, |document| text(&document.number)),
        Column::DocumentIssuer => istat(record.identity_document.as_ref().map(|document| &document.issuer)),
        Column::DocumentIssued => date(record.identity_document.as_ref().map(|document| document.issued)),
        Column::DocumentExpires => date(record.identity_document.as_ref().map(|document| document.expires)),
        Column::RegistrationReason => text(record.registration.reason.code()),
        Column::RegistrationFrom => date(record.registration.effective),
        Column::OriginMunicipality => municipality(record.registration.origin.as_ref()),
        Column::OriginState => state(record.registration.origin.as_ref()),
        Column::CancellationReason => record
            .cancellation
            .as_ref()
            .map_or(EMPTY, |exit| text(exit.reason.code())),
        Column::CancellationFrom => date(record.cancellation.as_ref().map(|exit| exit.effective)),
        Column::DestinationMunicipality => municipality(
            record
                .cancellation
                .as_ref()
                .and_then(|exit| exit.destination.as_ref()),
        ),
        Column::DestinationState => state(
            record
                .cancellation
                .as_ref()
                .and_then(|exit| exit.destination.as_ref()),
        ),
        Column::DeathDate => date(record.death.as_ref().map(|death| death.date)),
        Column::DeathMunicipality => {
            municipality(record.death.as_ref().and_then(|death| death.place.as_ref()))
        }
        Column::DeathState => state(record.death.as_ref().and_then(|death| death.place.as_ref())),
        Column::Protected => yes_no(record.flags.protected),
        Column::ProcedureOpen => yes_no(record.flags.procedure_open),
        Column::NotCertifiable => yes_no(record.flags.not_certifiable),
        Column::Operation
        | Column::EventKindValue
        | Column::EventDate
        | Column::EventEffective
        | Column::EventRegistered
        | Column::ActMunicipality
        | Column::ActOffice
        | Column::ActYear
        | Column::ActPart
        | Column::ActSeries
        | Column::ActNumber => EMPTY,
    }
}

fn birth_place(place: &BirthPlace, column: Column) -> Value<'_> {
    match (place, column) {
        (BirthPlace::Municipality { name, .. }, Column::BirthMunicipality) => text(name),
        (BirthPlace::Municipality { istat: code, .. }, Column::BirthIstat) => istat(code.as_ref()),
        (BirthPlace::Municipality { province, .. }, Column::BirthProvince) => text(province),
        (BirthPlace::Abroad { state, .. }, Column::BirthState) => text(state.as_str()),
        (BirthPlace::Abroad { locality, .. }, Column::BirthLocality) => text(locality),
        (BirthPlace::Exceptional(place), Column::BirthExceptional) => text(place),
        _ => EMPTY,
    }
}

fn residence(residence: &Residence, column: Column) -> Value<'_> {
    let Residence {
        kind,
        place,
        standing,
    } = residence;
    match (column, place) {
        (Column::AddressKindValue, _) => text(kind.code()),
        (Column::Provisional, _) => yes_no(*standing == ResidenceStanding::Provisional),
        (Column::NoFixedAbode, _) => yes_no(matches!(place, Place::Notional { .. })),
        (Column::AddressMunicipality, Place::Notional { municipality }) => istat(Some(municipality)),
        (_, Place::Notional { .. }) => EMPTY,
        (_, Place::Italian(address)) => italian(address, column),
        (_, Place::Foreign(address)) => foreign(address, column),
    }
}

fn italian(address: &Address, column: Column) -> Value<'_> {
    match column {
        Column::AddressMunicipality => istat(Some(&address.municipality)),
        Column::Postcode => text(&address.postcode),
        Column::Hamlet => text(&address.hamlet),
        Column::Species => Cow::Owned(address.species.code().to_string()),
        Column::Street => text(&address.street),
        Column::StreetCode => text(&address.street_code),
        Column::HouseNumber => address
            .number
            .map_or(EMPTY, |number| Cow::Owned(number.to_string())),
        Column::Suffix => text(&address.suffix),
        Column::Staircase => text(&address.staircase),
        Column::Unit => text(&address.unit),
        _ => EMPTY,
    }
}

fn foreign(address: &ForeignAddress, column: Column) -> Value<'_> {
    match column {
        Column::ForeignState => text(address.state.as_str()),
        Column::ForeignLocality => text(&address.locality),
        Column::ForeignLine => text(&address.line),
        _ => EMPTY,
    }
}

fn parent<'a>(record: &'a Record, role: ParentRole, value: fn(&'a Parent) -> Value<'a>) -> Value<'a> {
    record
        .parents
        .iter()
        .find(|parent| parent.role == role)
        .map_or(EMPTY, value)
}

fn parent_tax_code(parent: &Parent) -> Value<'_> {
    parent.tax_code.as_ref().map_or(EMPTY, |code| text(code.as_str()))
}

fn text(text: &str) -> Value<'_> {
    Cow::Borrowed(text)
}

fn name(name: Option<&PersonName>) -> Value<'_> {
    name.map_or(EMPTY, |name| text(name.as_str()))
}

fn date(date: Option<NaiveDate>) -> Value<'static> {
    date.map_or(EMPTY, |date| Cow::Owned(date.format("%Y-%m-%d").to_string()))
}

fn istat(code: Option<&IstatCode>) -> Value<'_> {
    code.map_or(EMPTY, |code| text(code.as_str()))
}

fn municipality(locality: Option<&Locality>) -> Value<'_> {
    match locality {
        Some(Locality::Municipality(code)) => text(code.as_str()),
        Some(Locality::State(_)) | None => EMPTY,
    }
}

fn state(locality: Option<&Locality>) -> Value<'_> {
    match locality {
        Some(Locality::State(code)) => text(code.as_str()),
        Some(Locality::Municipality(_)) | None => EMPTY,
    }
}

fn yes_no(flag: bool) -> Value<'static> {
    if flag { text("S") } else { text("N") }
}
