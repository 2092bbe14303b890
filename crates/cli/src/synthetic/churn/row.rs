//! Rows of incremental exports: the layout of the total export, and what happened.

use std::io;

use chrono::NaiveDate;

use registry::change::EventKind;
use registry::export::ExportWriter;
use registry::record::Record;

/// Columns after those of the total export.
const COLUMNS: [&str; 4] = ["operazione", "evento", "evento_data", "evento_registrazione"];

/// What a row does to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// It states the card as it is now.
    Upsert,
    /// The municipality withdraws the card.
    Withdraw,
    /// The last operation on the card is annulled.
    Annul,
}

/// What a row reports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    pub(super) operation: Operation,
    pub(super) kind: EventKind,
    /// Day of the event itself.
    pub(super) event_date: Option<NaiveDate>,
    /// Day on which the registry wrote it down.
    pub(super) registered: NaiveDate,
}

/// The header, with the end of its line.
pub(super) fn header() -> io::Result<String> {
    let total = ExportWriter::new(Vec::new())?.finish()?;
    let columns = COLUMNS.join(";");
    Ok(format!("{};{columns}\r\n", line(&total, 0)))
}

/// The row of a card, with the end of its line.
pub(super) fn row(card: &Record, report: Report) -> io::Result<String> {
    let mut writer = ExportWriter::new(Vec::new())?;
    writer.write(card)?;
    let total = writer.finish()?;
    let Report {
        operation,
        kind,
        event_date,
        registered,
    } = report;
    let operation = match operation {
        Operation::Upsert => "A",
        Operation::Withdraw => "C",
        Operation::Annul => "X",
    };
    let event_date = event_date.map(|day| day.to_string()).unwrap_or_default();
    let kind = kind.code();
    Ok(format!(
        "{};{operation};{kind};{event_date};{registered}\r\n",
        line(&total, 1)
    ))
}

/// A line of what the writer wrote; no field holds the end of a line.
fn line(written: &[u8], number: usize) -> String {
    let text = String::from_utf8_lossy(written);
    text.split("\r\n").nth(number).unwrap_or_default().to_owned()
}
