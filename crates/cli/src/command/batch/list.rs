//! Lists as people write them: a CSV file with a header, read whole before anything is sent.

use std::ops::Range;
use std::path::Path;

use agreement::context::ConsentReference;
use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use client::agency::{ListedDeclaration, ListedPerson};
use csv::{ReaderBuilder, StringRecord, Trim};
use registry::codice_fiscale::TaxCode;
use registry::identifier::NationalId;

use crate::call::Subject;
use crate::command::verify::{self, VerifyCommand};
use crate::failure::Failure;

const TAX_CODE: &str = "codice_fiscale";
const NATIONAL_ID: &str = "national_id";
const KIND: &str = "kind";
const CONSENT: &str = "consent_reference";
/// Columns whose value is yes or no.
const SWITCHES: [&str; 2] = ["without_number", "named_person"];
/// Columns of declarations, each the flag of that name of `ponte verify`. Of `member` several stand in one cell, apart
/// by blanks.
const DECLARED: [&str; 21] = [
    "at",
    "species",
    "street",
    "number",
    "suffix",
    "surname",
    "given_name",
    "sex",
    "birth_date",
    "birth_municipality",
    "member",
    "date",
    "since",
    "partner_surname",
    "partner_given_name",
    "status",
    "state",
    "municipality",
    "id",
    "without_number",
    "named_person",
];

/// A row with its number, from 1.
pub(super) type Row<T> = (u32, T);

/// Rows in their order: what is asked, or the column that cannot be read.
pub(super) struct List<T>(Vec<Result<T, String>>);

impl<T: Clone> List<T> {
    /// How many rows it has.
    pub(super) fn len(&self) -> Result<u32, Failure> {
        u32::try_from(self.0.len())
            .ok()
            .filter(|rows| 0 < *rows)
            .ok_or_else(|| Failure::usage("l'elenco non ha righe", "the list has no rows"))
    }

    /// The rows that are sent.
    pub(super) fn readable(&self, from: u32) -> Vec<Row<T>> {
        let rows = self.numbered().filter(|(row, _)| from <= *row);
        rows.filter_map(|(row, read)| Some((row, read.as_ref().ok()?.clone())))
            .collect()
    }

    /// The rows that are not, with the column that cannot be read.
    pub(super) fn unreadable(&self, rows: Range<u32>) -> impl Iterator<Item = (u32, &str)> {
        let within = self.numbered().filter(move |(row, _)| rows.contains(row));
        within.filter_map(|(row, read)| Some((row, read.as_ref().err()?.as_str())))
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, &Result<T, String>)> {
        (1..).zip(&self.0)
    }
}

/// Persons by their identifiers.
pub(super) fn persons(path: &Path) -> Result<List<ListedPerson>, Failure> {
    let (header, records) = records(path)?;
    check(&header, &[TAX_CODE, NATIONAL_ID])?;
    let read = |record: &StringRecord| {
        let cell = |column: &str| cell(&header, record, column);
        match (cell(TAX_CODE), cell(NATIONAL_ID)) {
            (Some(code), None) => {
                let code = TaxCode::parse(code).map_err(|_| TAX_CODE.to_owned())?;
                Ok(ListedPerson::TaxCode(code))
            }
            (None, Some(id)) => {
                let id = NationalId::parse(id).map_err(|_| NATIONAL_ID.to_owned())?;
                Ok(ListedPerson::NationalId(id))
            }
            (Some(_), Some(_)) | (None, None) => Err(TAX_CODE.to_owned()),
        }
    };
    Ok(List(records.iter().map(read).collect()))
}

/// Declarations, each as the call of `ponte verify` that it would be.
pub(super) fn declarations(path: &Path) -> Result<List<ListedDeclaration>, Failure> {
    let (header, records) = records(path)?;
    let mut known = vec![TAX_CODE, NATIONAL_ID, KIND, CONSENT];
    known.extend(DECLARED);
    check(&header, &known)?;
    Ok(List(
        records
            .iter()
            .map(|record| declaration(&header, record))
            .collect(),
    ))
}

/// The command line of a row.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct RowLine {
    #[command(subcommand)]
    command: VerifyCommand,
}

fn declaration(header: &StringRecord, record: &StringRecord) -> Result<ListedDeclaration, String> {
    let cell = |column: &str| cell(header, record, column);
    let mut line = vec![cell(KIND).ok_or(KIND)?.to_owned()];
    line.extend(cell(TAX_CODE).map(str::to_owned));
    line.extend(cell(NATIONAL_ID).map(|id| format!("--national-id={id}")));
    for column in DECLARED {
        let Some(value) = cell(column) else { continue };
        let flag = column.replace('_', "-");
        if SWITCHES.contains(&column) {
            match value {
                "1" | "true" | "sì" | "si" | "yes" => line.push(format!("--{flag}")),
                "0" | "false" | "no" => {}
                _ => return Err(column.to_owned()),
            }
        } else if column == "member" {
            line.extend(
                value
                    .split_whitespace()
                    .map(|member| format!("--{flag}={member}")),
            );
        } else {
            line.push(format!("--{flag}={value}"));
        }
    }
    let RowLine { command } = RowLine::try_parse_from(line).map_err(|error| column_of(&error))?;
    // What is wrong with a value is not repeated: it is personal.
    let (common, claim) = verify::read(command).map_err(|_| KIND.to_owned())?;
    let Subject { key, municipality } = common.subject.read().map_err(|_| TAX_CODE.to_owned())?;
    let consent = cell(CONSENT).map(ConsentReference::parse).transpose();
    Ok(ListedDeclaration {
        key,
        municipality,
        declared: verify::declared_person(common.named_person),
        claim,
        consent: consent.map_err(|_| CONSENT.to_owned())?,
    })
}

/// The column of the flag that is missing or wrong, without its value.
fn column_of(error: &clap::Error) -> String {
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(flag)) => flag.as_str(),
        Some(ContextValue::Strings(flags)) => flags.first().map_or("", String::as_str),
        Some(_) | None => "",
    };
    let column: String = flag
        .trim_start_matches("--")
        .chars()
        .take_while(|letter| letter.is_ascii_lowercase() || *letter == '-')
        .collect();
    let column = column.replace('-', "_");
    if DECLARED.contains(&column.as_str()) {
        column
    } else {
        KIND.to_owned()
    }
}

fn records(path: &Path) -> Result<(StringRecord, Vec<StringRecord>), Failure> {
    let file = std::fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(file);
    // The text of the error may hold a cell.
    let unreadable = |_| {
        Failure::usage(
            "l'elenco non è un file CSV in UTF-8 con le stesse colonne in ogni riga",
            "the list is not a CSV file in UTF-8 with the same columns in each row",
        )
    };
    let header = reader.headers().map_err(unreadable)?.clone();
    let records = reader.records().collect::<Result<_, _>>().map_err(unreadable)?;
    Ok((header, records))
}

fn check(header: &StringRecord, known: &[&str]) -> Result<(), Failure> {
    match header.iter().find(|column| !known.contains(column)) {
        None => Ok(()),
        Some(column) => Err(Failure::usage(
            format!(
                "la colonna {column} non è prevista; colonne: {}",
                known.join(", ")
            ),
            format!("the column {column} is not one of {}", known.join(", ")),
        )),
    }
}

fn cell<'a>(header: &StringRecord, record: &'a StringRecord, column: &str) -> Option<&'a str> {
    let position = header.iter().position(|name| name == column)?;
    record.get(position).filter(|cell| !cell.is_empty())
}

#[cfg(test)]
mod tests;
