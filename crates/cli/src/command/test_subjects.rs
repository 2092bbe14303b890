//! `ponte test-subjects`: the published list of invented persons, with what is asked about them and what is answered.

use agreement::moment::Moment;
use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::Args;

use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::session::Session;
use crate::test_region::subjects::{Question, Row, Subject, list};

/// Arguments of `ponte test-subjects`.
#[derive(Args, Debug)]
pub struct TestSubjectsArguments {
    /// Day on which the region was started; today without it. Some subjects died yesterday, or turn eighteen tomorrow
    #[arg(long, value_name = "DATE")]
    pub day: Option<NaiveDate>,
    /// Only those of this group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
}

/// Runs `ponte test-subjects`.
pub fn run(arguments: &TestSubjectsArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let TestSubjectsArguments { day, group } = arguments;
    let day = day.unwrap_or_else(|| Moment::new(session.surroundings.clock.now()).date());
    let subjects = list(day).map_err(|error| Failure::internal(&error))?;
    let groups: std::collections::BTreeSet<&str> =
        subjects.iter().map(|subject| subject.group.as_str()).collect();
    if group.as_deref().is_some_and(|group| !groups.contains(group)) {
        let known = groups.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(
            format!("--group: sono ammessi {known}"),
            format!("--group: there are {known}"),
        ));
    }
    let chosen = subjects
        .iter()
        .filter(|subject| group.as_ref().is_none_or(|group| subject.group == *group));
    let language = session.language;
    let rows: Vec<Datum> = chosen.flat_map(|subject| rows(subject, language)).collect();
    session.data(&rows)?;
    Ok(ExitCode::Ok)
}

/// The list of a day as a file: the day, and a row for each question.
pub(crate) fn written(subjects: &[Subject], day: NaiveDate) -> Result<Vec<u8>, Failure> {
    let questions = subjects
        .iter()
        .flat_map(|subject| rows(subject, Language::English))
        .collect::<Datum>();
    let file = RecordBuilder::new()
        .with("day", day.to_string())
        .with("questions", questions)
        .build();
    let mut bytes = serde_json::to_vec_pretty(&file).map_err(|error| Failure::internal(&error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A row for each question about a subject.
fn rows(subject: &Subject, language: Language) -> impl Iterator<Item = Datum> {
    let Subject {
        id,
        group,
        italian,
        english,
        code,
        cards: _,
        questions,
    } = subject;
    questions.iter().map(move |question| {
        let Question {
            by,
            command,
            reference_date,
            expect,
            shown,
        } = question;
        RecordBuilder::new()
            .with("subject", id.as_str())
            .with("group", group.as_str())
            .with("why", language.pick(italian.as_str(), english.as_str()))
            .with_some("codice_fiscale", code.clone())
            .with("profile", by.name())
            .with_some("reference_date", reference_date.clone())
            .with("command", line(command))
            .with("expect", expect.as_str())
            .with("shown", shown.iter().map(shown_row).collect::<Datum>())
            .build()
    })
}

/// Paths stand as they are, so that a program finds them by name.
fn shown_row(row: &Row) -> Datum {
    Datum::Record(
        row.iter()
            .map(|(path, value)| (path.clone(), Datum::Text(value.clone())))
            .collect(),
    )
}

/// A command as a shell reads it.
fn line(command: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte))
    };
    let words = command.iter().map(|word| {
        if plain(word) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    std::iter::once("ponte".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
