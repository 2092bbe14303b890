//! Rows as text: JSON Lines and CSV. The same cells give the same bytes, so that a file is checked by writing it again.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::row::{COLUMNS, Cell, time_text};

/// A form of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// One JSON object a line; what is not stated is left out, and `parts` is an object.
    JsonLines,
    /// RFC 4180 with a header row, UTF-8, lines ending with CR LF. What is not stated is empty. A value that a
    /// spreadsheet would take for a formula has an apostrophe in front.
    Csv,
}

impl TextForm {
    /// What stands before the first row.
    ///
    /// # Errors
    /// None that memory could give.
    pub fn head(self) -> io::Result<Vec<u8>> {
        match self {
            Self::JsonLines => Ok(Vec::new()),
            Self::Csv => record(COLUMNS.iter().map(|column| column.name.to_owned())),
        }
    }

    /// A row.
    ///
    /// # Errors
    /// None that memory could give.
    pub fn row(self, cells: &[Cell]) -> io::Result<Vec<u8>> {
        match self {
            Self::JsonLines => Ok(json(cells).into_bytes()),
            Self::Csv => record(cells.iter().map(|cell| guarded(plain(cell)))),
        }
    }
}

fn json(cells: &[Cell]) -> String {
    let stated = COLUMNS.iter().zip(cells).filter_map(|(column, cell)| {
        let value = match cell {
            Cell::Absent => return None,
            Cell::Number(number) => number.to_string(),
            // It is JSON already.
            Cell::Text(object) if column.name == "parts" => object.clone(),
            Cell::Time(_) | Cell::Text(_) | Cell::Bytes(_) => {
                serde_json::Value::from(plain(cell)).to_string()
            }
        };
        Some(format!("\"{}\":{value}", column.name))
    });
    format!("{{{}}}\n", stated.collect::<Vec<_>>().join(","))
}

fn record(values: impl Iterator<Item = String>) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(values)?;
    writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))
}

fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Number(number) => number.to_string(),
        Cell::Time(ms) => time_text(*ms),
        Cell::Text(text) => text.clone(),
        Cell::Bytes(bytes) => STANDARD.encode(bytes),
    }
}

/// Spreadsheets evaluate what begins with one of these.
fn guarded(value: String) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{value}")
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(operator: &str) -> Vec<Cell> {
        COLUMNS
            .iter()
            .map(|column| match column.name {
                "index" => Cell::Number(7),
                "time" => Cell::Time(1_790_000_000_123),
                "operator" => Cell::Text(operator.to_owned()),
                "parts" => Cell::Text("{\"detail\":[[\"a\",\"b\"]]}".to_owned()),
                "header" => Cell::Bytes(vec![0, 1, 255]),
                _ => Cell::Absent,
            })
            .collect()
    }

    #[test]
    fn a_value_that_looks_like_a_formula_is_text_in_a_spreadsheet() {
        for (value, written) in [
            ("=1+1", "'=1+1"),
            ("+39051", "'+39051"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("m.rossi=", "m.rossi="),
            ("a \"b\", c\nd", "\"a \"\"b\"\", c\nd\""),
        ] {
            let line = String::from_utf8(TextForm::Csv.row(&row(value)).unwrap()).unwrap();
            let expect = format!(
                "7,2026-09-21T14:13:20.123Z,,,,,,,,,,,,,,,{written},,,,,\"{{\"\"detail\"\":[[\"\"a\"\",\"\"b\"\"]]}}\",,AAH/\r\n"
            );
            assert_eq!(line, expect);
        }
    }

    #[test]
    fn json_lines_leave_out_what_is_not_stated() {
        let line = String::from_utf8(TextForm::JsonLines.row(&row("=1\"")).unwrap()).unwrap();
        assert_eq!(
            line,
            "{\"index\":7,\"time\":\"2026-09-21T14:13:20.123Z\",\"operator\":\"=1\\\"\",\
             \"parts\":{\"detail\":[[\"a\",\"b\"]]},\"header\":\"AAH/\"}\n"
        );
    }
}
