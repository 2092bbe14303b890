//! The forms in which data are written.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};

use crate::datum::Datum;

/// A form of data on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    #[default]
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line
    Jsonl,
    /// CSV with a header row
    Csv,
}

/// More columns than this are shown as name and value, one below the other.
const WIDEST_TABLE: usize = 9;

/// Writes rows in the form.
pub fn write(out: &mut dyn Write, format: Format, rows: &[Datum]) -> io::Result<()> {
    match format {
        Format::Table => table(out, rows),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, rows)?;
            writeln!(out)
        }
        Format::Jsonl => rows.iter().try_for_each(|row| {
            serde_json::to_writer(&mut *out, row)?;
            writeln!(out)
        }),
        Format::Csv => csv(out, rows),
    }?;
    out.flush()
}

fn csv(out: &mut dyn Write, rows: &[Datum]) -> io::Result<()> {
    let (names, lines) = grid(rows);
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(&names)?;
    for line in lines {
        writer.write_record(line)?;
    }
    writer.flush()
}

fn table(out: &mut dyn Write, rows: &[Datum]) -> io::Result<()> {
    let (names, lines) = grid(rows);
    if lines.is_empty() {
        return Ok(());
    }
    if lines.len() == 1 || WIDEST_TABLE < names.len() {
        for (number, line) in lines.iter().enumerate() {
            if number != 0 {
                writeln!(out)?;
            }
            let mut table = blank();
            let stated = names.iter().zip(line).filter(|(_, value)| !value.is_empty());
            table.add_rows(stated.map(|(name, value)| [visible(name), visible(value)]));
            print(out, &table)?;
        }
        return Ok(());
    }
    let mut table = blank();
    table.set_header(names.iter().map(|name| visible(name)));
    table.add_rows(
        lines
            .iter()
            .map(|line| line.iter().map(|value| visible(value)).collect::<Vec<_>>()),
    );
    print(out, &table)
}

fn blank() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn print(out: &mut dyn Write, table: &Table) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Column names in the order in which they first occur, and each row's values under them.
fn grid(rows: &[Datum]) -> (Vec<String>, Vec<Vec<String>>) {
    let rows: Vec<_> = rows.iter().map(Datum::leaves).collect();
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let value_in = |row: &[(String, String)], name: &String| {
        row.iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let lines = rows
        .iter()
        .map(|row| names.iter().map(|name| value_in(row, name)).collect())
        .collect();
    (names, lines)
}

/// Text without control characters, which could steer the terminal.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { '\u{fffd}' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datum::RecordBuilder;

    fn rows() -> Vec<Datum> {
        let inner = RecordBuilder::new()
            .with("code", "1")
            .with("label", "a;b")
            .build();
        vec![
            RecordBuilder::new()
                .with("name", "x")
                .with("status", inner)
                .build(),
            RecordBuilder::new()
                .with("name", "y\u{1b}[2J")
                .with("many", ["p", "q"].into_iter().collect::<Datum>())
                .build(),
        ]
    }

    #[track_caller]
    fn check(format: Format, rows: &[Datum], expect: &str) {
        let mut out = Vec::new();
        write(&mut out, format, rows).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn csv_has_a_column_for_each_path_and_a_row_for_each_record() {
        let expect = "name,status.code,status.label,many\nx,1,a;b,\ny\u{1b}[2J,,,p q\n";
        check(Format::Csv, &rows(), expect);
    }

    #[test]
    fn json_lines_keep_the_order_of_the_fields() {
        let expect = "{\"name\":\"x\",\"status\":{\"code\":\"1\",\"label\":\"a;b\"}}\n\
                      {\"name\":\"y\\u001b[2J\",\"many\":[\"p\",\"q\"]}\n";
        check(Format::Jsonl, &rows(), expect);
    }

    #[test]
    fn a_table_never_passes_control_characters_to_the_terminal() {
        let mut out = Vec::new();
        write(&mut out, Format::Table, &rows()).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            !text.contains('\u{1b}') && text.contains("y\u{fffd}[2J"),
            "{text:?}"
        );
    }

    #[test]
    fn no_rows_are_an_empty_table_and_an_empty_json_array() {
        check(Format::Table, &[], "");
        check(Format::Json, &[], "[]\n");
        check(Format::Jsonl, &[], "");
    }
}
