//! `ponte codice-fiscale`: computes and checks codes, one from the arguments or many from CSV.

mod place;
mod reasons;

use std::io::Read as _;

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::record::Sex;

use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

use self::reasons::Refusal;

/// What to do with codes.
#[derive(Debug, Subcommand)]
pub enum CodiceFiscaleCommand {
    /// Compute the code of a person; without arguments, of every row of CSV on standard input with the columns
    /// surname, given_name, sex, birth_date, birth_place
    Compute(ComputeArguments),
    /// Check codes; without arguments, the column codice_fiscale of CSV on standard input
    Check {
        /// Codes of 16 characters, or provisional ones of 11 digits
        codes: Vec<String>,
    },
}

/// Arguments of `ponte codice-fiscale compute`.
#[derive(Debug, Args)]
pub struct ComputeArguments {
    /// Surname; empty when the person has none
    #[arg(long, requires_all = ["given_name", "sex", "birth_date", "birth_place"])]
    pub surname: Option<String>,
    /// Given names; empty when the person has none
    #[arg(long, requires = "surname")]
    pub given_name: Option<String>,
    /// M or F
    #[arg(long, requires = "surname")]
    pub sex: Option<String>,
    /// YYYY-MM-DD
    #[arg(long, requires = "surname", value_name = "DATE")]
    pub birth_date: Option<String>,
    /// Cadastral code (E289), ISTAT code (037032), name and province ("Imola (BO)"), or the name of a state
    #[arg(long, requires = "surname", value_name = "PLACE")]
    pub birth_place: Option<String>,
}

/// The columns of input of `compute`, in the order of the arguments.
const COMPUTE_COLUMNS: [&str; 5] = ["surname", "given_name", "sex", "birth_date", "birth_place"];
const CODE_COLUMN: &str = "codice_fiscale";
const REASON_COLUMN: &str = "reason";

/// Runs `ponte codice-fiscale`.
pub fn run(command: CodiceFiscaleCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        CodiceFiscaleCommand::Compute(arguments) => compute(&arguments, session),
        CodiceFiscaleCommand::Check { codes } if codes.is_empty() => {
            filter(session, &[CODE_COLUMN], |values| {
                let [code] = values else {
                    return Err(Refusal::Column(CODE_COLUMN));
                };
                check(code).map(|facts| facts.kind.to_owned())
            })
        }
        CodiceFiscaleCommand::Check { codes } => check_all(&codes, session),
    }
}

fn compute(arguments: &ComputeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ComputeArguments {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = arguments;
    let (Some(surname), Some(given_name), Some(sex), Some(birth_date), Some(birth_place)) =
        (surname, given_name, sex, birth_date, birth_place)
    else {
        return filter(session, &COMPUTE_COLUMNS, |values| {
            let [surname, given_name, sex, birth_date, birth_place] = values else {
                return Err(Refusal::Column("surname"));
            };
            compute_one(surname, given_name, sex, birth_date, birth_place)
        });
    };
    let code =
        compute_one(surname, given_name, sex, birth_date, birth_place).map_err(Refusal::into_failure)?;
    session.data(&[RecordBuilder::new().with(CODE_COLUMN, code).build()])?;
    Ok(ExitCode::Ok)
}

fn compute_one(
    surname: &str,
    given_name: &str,
    sex: &str,
    birth_date: &str,
    birth_place: &str,
) -> Result<String, Refusal> {
    let sex = match sex.trim() {
        "M" | "m" => Sex::Male,
        "F" | "f" => Sex::Female,
        _ => return Err(Refusal::Sex),
    };
    let day: NaiveDate = birth_date.trim().parse().map_err(|_| Refusal::Date)?;
    let place = place::find(birth_place, day)?;
    let code = CodiceFiscale::compute(surname, given_name, sex, day, place).map_err(Refusal::Compute)?;
    Ok(code.as_str().to_owned())
}

/// What a valid code says.
struct Facts {
    kind: &'static str,
    details: RecordBuilder,
}

fn check(text: &str) -> Result<Facts, Refusal> {
    let code = TaxCode::parse(text).map_err(Refusal::Code)?;
    let Some(code) = code.definitive() else {
        return Ok(Facts {
            kind: "provisional",
            details: RecordBuilder::new(),
        });
    };
    let kind = if code.is_omocode() {
        "omocode"
    } else {
        "definitive"
    };
    let sex = match code.sex() {
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Unknown => "",
    };
    let details = RecordBuilder::new()
        .with("sex", sex)
        .with("birth_year_in_century", format!("{:02}", code.year_in_century()))
        .with("birth_month", format!("{:02}", code.month()))
        .with("birth_day", format!("{:02}", code.day()))
        .with(
            "birth_place",
            code.place().map(place::name_of).unwrap_or_default(),
        );
    Ok(Facts { kind, details })
}

fn check_all(codes: &[String], session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let mut exit = ExitCode::Ok;
    let mut rows: Vec<Datum> = Vec::with_capacity(codes.len());
    for code in codes {
        let mut row = vec![(CODE_COLUMN.to_owned(), Datum::text(code.trim().to_uppercase()))];
        match check(code) {
            Ok(Facts { kind, details }) => {
                row.push(("valid".to_owned(), Datum::Truth(true)));
                row.push(("kind".to_owned(), Datum::text(kind)));
                if let Datum::Record(details) = details.build() {
                    row.extend(details);
                }
            }
            Err(refusal) => {
                exit = ExitCode::NegativeAnswer;
                row.push(("valid".to_owned(), Datum::Truth(false)));
                row.push((
                    REASON_COLUMN.to_owned(),
                    Datum::text(refusal.text(session.language)),
                ));
            }
        }
        rows.push(Datum::Record(row));
    }
    session.data(&rows)?;
    Ok(exit)
}

/// Reads CSV, answers each row with a value or the reason why there is none, and writes the row with both.
/// The separator is that of the header: a comma or a semicolon.
fn filter(
    session: &mut Session<'_, '_>,
    wanted: &[&'static str],
    mut answer: impl FnMut(&[&str]) -> Result<String, Refusal>,
) -> Result<ExitCode, Failure> {
    let language = session.language;
    let mut input = Vec::new();
    session.io.stdin.read_to_end(&mut input).map_err(|error| {
        Failure::usage(
            "lo standard input non è leggibile",
            "standard input cannot be read",
        )
        .because(&error)
    })?;
    let header_line = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let separator = if header_line.contains(&b';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_reader(input.as_slice());
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    let positions = wanted
        .iter()
        .map(|name| {
            header
                .iter()
                .position(|other| other.trim_start_matches('\u{feff}') == *name)
                .ok_or(*name)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|name| Refusal::Column(name).into_failure())?;

    let mut writer = csv::WriterBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_writer(&mut session.io.stdout);
    let answer_column = if wanted == [CODE_COLUMN] {
        "kind"
    } else {
        CODE_COLUMN
    };
    writer
        .write_record(header.iter().chain([answer_column, REASON_COLUMN]))
        .map_err(output)?;
    let mut exit = ExitCode::Ok;
    for row in reader.records() {
        let row = row.map_err(|error| unreadable(&error))?;
        let values: Option<Vec<&str>> = positions.iter().map(|position| row.get(*position)).collect();
        let outcome = match values {
            Some(values) => answer(&values),
            None => Err(Refusal::ShortRow),
        };
        let (value, reason) = match outcome {
            Ok(value) => (value, String::new()),
            Err(refusal) => {
                exit = ExitCode::NegativeAnswer;
                (String::new(), refusal.text(language))
            }
        };
        writer
            .write_record(row.iter().chain([value.as_str(), reason.as_str()]))
            .map_err(output)?;
    }
    writer.flush()?;
    Ok(exit)
}

fn output(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Failure::Output(error),
        kind => Failure::internal(&std::io::Error::other(format!("{kind:?}"))),
    }
}

fn unreadable(error: &csv::Error) -> Failure {
    Failure::usage("il CSV non è leggibile", "the CSV cannot be read").because(error)
}
