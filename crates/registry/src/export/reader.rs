//! From a file to rows.

use std::io::{self, Read};

use crate::export::ExportContext;
use crate::export::column::{COLUMNS, Column, Requirement};
use crate::export::line::{BadQuotes, Lines, split};
use crate::export::parse::{Fields, parse_row};
use crate::finding::{Finding, FindingRule, rules};
use crate::identifier::LocalId;
use crate::record::Record;

/// Reads an export row by row.
#[derive(Debug)]
pub struct ExportReader<R> {
    lines: Lines<R>,
    context: ExportContext,
    order: Vec<Column>,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// The card's number, also of a row that breaks a rule, so that its card is not taken for missing. `None` when
    /// the row cannot even be read so far: then no card may be taken for missing.
    pub local_id: Option<LocalId>,
    /// The card and what is doubtful about it, or why there is none.
    pub outcome: Result<(Record, Vec<Finding>), Vec<Finding>>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The header is not the layout's.
    #[error("the header has {} faults", .0.len())]
    Header(Vec<HeaderFault>),
    /// The source failed.
    #[error("the file cannot be read")]
    Io(#[from] io::Error),
}

/// What is wrong with a header row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// No line at all.
    #[error("the file is empty")]
    Empty,
    /// Not UTF-8; UTF-16 and Windows-1252 are the usual cases.
    #[error("the header is not UTF-8")]
    NotUtf8,
    /// Longer than a line may be, or with open quotation marks.
    #[error("the header is not a row of fields")]
    Unreadable,
    /// Fields are separated by something else.
    #[error("fields are separated by {found:?}, not by \";\"")]
    Separator {
        /// Separator that the header seems to use.
        found: char,
    },
    /// A column of the layout is not there.
    #[error("column {0} is missing")]
    Missing(&'static str),
    /// A column is there twice.
    #[error("column {0} stands twice")]
    Double(&'static str),
    /// A name that the layout does not have. The name itself is not repeated: in a file without header it would be
    /// somebody's.
    #[error("column number {position} is not in the layout")]
    Unknown {
        /// Position in the file, from 1.
        position: usize,
    },
}

impl<R: Read> ExportReader<R> {
    /// Reads the header. A byte-order mark is admitted.
    pub fn new(input: R, context: ExportContext) -> Result<Self, OpenError> {
        let mut lines = Lines::new(input);
        let order = {
            let header = lines.next_line()?;
            let bytes = match header {
                Some(line) => line.bytes.ok_or_else(|| fault(HeaderFault::Unreadable))?,
                None => return Err(fault(HeaderFault::Empty)),
            };
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let header = std::str::from_utf8(bytes).map_err(|_| fault(HeaderFault::NotUtf8))?;
            column_order(header).map_err(OpenError::Header)?
        };
        Ok(Self {
            lines,
            context,
            order,
        })
    }

    fn read_row(&mut self) -> io::Result<Option<Row>> {
        let Some(line) = self.lines.next_line()? else {
            return Ok(None);
        };
        let number = line.number;
        let Some(bytes) = line.bytes else {
            return Ok(Some(unreadable(number, &rules::PN004)));
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            let card = card_of_broken_text(bytes, &self.order);
            return Ok(Some(Row {
                local_id: card,
                ..unreadable(number, &rules::PN001)
            }));
        };
        let values = match split(text, ';') {
            Ok(values) => values,
            Err(BadQuotes) => return Ok(Some(unreadable(number, &rules::PN003))),
        };
        if values.len() != self.order.len() {
            return Ok(Some(unreadable(number, &rules::PN002)));
        }
        let mut fields = Fields::default();
        for (column, value) in self.order.iter().zip(&values) {
            fields.set(*column, value);
        }
        let local_id = LocalId::parse(fields.get(Column::Card)).ok();
        Ok(Some(Row {
            line: number,
            local_id,
            outcome: parse_row(&fields, number, &self.context),
        }))
    }
}

/// Rows until the end of the file; an error of the source ends them too.
impl<R: Read> Iterator for ExportReader<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read_row().transpose()
    }
}

fn fault(fault: HeaderFault) -> OpenError {
    OpenError::Header(vec![fault])
}

fn unreadable(line: u64, rule: &'static FindingRule) -> Row {
    Row {
        line,
        local_id: None,
        outcome: Err(vec![Finding {
            rule,
            column: None,
            line,
        }]),
    }
}

/// The card's number in a row that is not UTF-8: separators and numbers are ASCII in every encoding that back
/// offices use, so the number can still be read.
fn card_of_broken_text(bytes: &[u8], order: &[Column]) -> Option<LocalId> {
    let text = String::from_utf8_lossy(bytes);
    let values = split(&text, ';')
        .ok()
        .filter(|values| values.len() == order.len())?;
    let position = order.iter().position(|column| *column == Column::Card)?;
    values
        .get(position)
        .and_then(|value| LocalId::parse(value.trim()).ok())
}

fn column_order(header: &str) -> Result<Vec<Column>, Vec<HeaderFault>> {
    let names = split(header, ';').map_err(|BadQuotes| vec![HeaderFault::Unreadable])?;
    if let [_only] = names.as_slice()
        && let Some(found) = [',', '\t', '|'].into_iter().find(|other| header.contains(*other))
    {
        return Err(vec![HeaderFault::Separator { found }]);
    }
    let mut faults = Vec::new();
    let mut order = Vec::with_capacity(names.len());
    for (position, name) in (1..).zip(&names) {
        match Column::named(name.trim()) {
            None => faults.push(HeaderFault::Unknown { position }),
            Some(column) if order.contains(&column) => faults.push(HeaderFault::Double(column.name())),
            Some(column) => order.push(column),
        }
    }
    let missing = COLUMNS
        .iter()
        .filter(|spec| spec.requirement != Requirement::Optional && !order.contains(&spec.column));
    faults.extend(missing.map(|spec| HeaderFault::Missing(spec.name)));
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}
