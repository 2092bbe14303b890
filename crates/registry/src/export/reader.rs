//! From a file to rows.

use std::borrow::Cow;
use std::io::{self, Read};

use crate::export::column::{COLUMNS, Column, Requirement};
use crate::export::encoding::Encoding;
use crate::export::line::{BadQuotes, Lines, Quotes, split};
use crate::export::mapping::{BoundMapping, Unmapped};
use crate::export::operation::{Accepted, read_row};
use crate::export::parse::{Fields, Sheet};
use crate::export::{ExportContext, ExportForm, ExportKind};
use crate::finding::{Finding, FindingRule, Severity, rules};
use crate::identifier::LocalId;

/// Reads an export row by row.
#[derive(Debug)]
pub struct ExportReader<R> {
    lines: Lines<R>,
    context: ExportContext,
    kind: ExportKind,
    layout: Layout,
}

/// How the fields of a line become ours.
#[derive(Debug)]
enum Layout {
    /// They are ours, in this order.
    Own(Vec<Column>),
    /// They are mapped.
    Foreign(Box<BoundMapping>),
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// The card's number, also of a row that breaks a rule, so that its card is not taken for missing. `None` when
    /// the row cannot even be read so far: then no card may be taken for missing.
    pub local_id: Option<LocalId>,
    /// What it asks for, or why it is kept aside.
    pub outcome: Result<Accepted, Vec<Finding>>,
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
    /// The bytes are not those of the declared encoding; UTF-16 and Windows-1252 are the usual cases.
    #[error("the header is not text in {0}")]
    Encoding(Encoding),
    /// The file begins with the mark of UTF-8 and something else is declared.
    #[error("the file is in UTF-8, not in {0}: it begins with the mark of UTF-8")]
    Utf8Mark(Encoding),
    /// Longer than a line may be, or with open quotation marks.
    #[error("the header is not a row of fields")]
    Unreadable,
    /// Fields are separated by something else.
    #[error("fields are separated by {found:?}, not by {expected:?}")]
    Separator {
        /// Separator that the header seems to use.
        found: char,
        /// Separator of the layout.
        expected: char,
    },
    /// A column of the layout, or of the mapping, is not there.
    #[error("column {0} is missing")]
    Missing(Cow<'static, str>),
    /// A column is there twice.
    #[error("column {0} stands twice")]
    Double(Cow<'static, str>),
    /// A name that neither the layout nor the mapping has. The name itself is not repeated: in a file without header
    /// it would be somebody's.
    #[error("column number {position} is not in the layout")]
    Unknown {
        /// Position in the file, from 1.
        position: usize,
    },
}

impl<R: Read> ExportReader<R> {
    /// Reads the header of a total export in our layout. A byte-order mark is admitted.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn new(input: R, context: ExportContext) -> Result<Self, OpenError> {
        Self::open(input, context, &ExportForm::default())
    }

    /// Reads the header of an export of this form.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(input: R, context: ExportContext, form: &ExportForm) -> Result<Self, OpenError> {
        let ExportForm { kind, mapping } = form;
        let mut lines = Lines::new(input);
        let layout = match mapping {
            None => {
                let header = read_header(&mut lines, Encoding::Utf8)?;
                Layout::Own(column_order(&header).map_err(OpenError::Header)?)
            }
            Some(mapping) => {
                let header = match mapping.has_header() {
                    true => Some(read_header(&mut lines, mapping.encoding())?),
                    false => None,
                };
                let bound = BoundMapping::new(mapping, header.as_deref()).map_err(OpenError::Header)?;
                Layout::Foreign(Box::new(bound))
            }
        };
        Ok(Self {
            lines,
            context,
            kind: *kind,
            layout,
        })
    }

    fn read_row(&mut self) -> io::Result<Option<Row>> {
        let Some(line) = self.lines.next_line()? else {
            return Ok(None);
        };
        let number = line.number;
        let Some(bytes) = line.bytes else {
            return Ok(Some(kept_aside(number, None, &rules::PN004)));
        };
        let encoding = self.layout.encoding();
        // A file without header row has the mark of UTF-8 before its first row.
        let bytes = match bytes.strip_prefix(UTF_8_MARK) {
            Some(_) if number == 1 && encoding != Encoding::Utf8 => {
                return Ok(Some(kept_aside(number, None, &rules::PN007)));
            }
            Some(unmarked) if number == 1 => unmarked,
            _ => bytes,
        };
        let text = match encoding.decode(bytes) {
            Ok(text) => text,
            Err(rule) => {
                let card = self.layout.card_of_broken_text(bytes);
                return Ok(Some(kept_aside(number, card, rule)));
            }
        };
        let values = match self.layout.split(&text) {
            Ok(values) => values,
            Err(BadQuotes) => return Ok(Some(kept_aside(number, None, &rules::PN003))),
        };
        if values.len() != self.layout.columns() {
            return Ok(Some(kept_aside(number, None, &rules::PN002)));
        }
        Ok(Some(match &self.layout {
            Layout::Own(order) => {
                let mut fields = Fields::default();
                for (column, value) in order.iter().zip(&values) {
                    fields.set(*column, value);
                }
                judged(&fields, number, &self.context, self.kind, Unmapped::default())
            }
            Layout::Foreign(mapping) => {
                let (mapped, unmapped) = mapping.map(&values, number);
                let mut fields = Fields::default();
                for (spec, value) in COLUMNS.iter().zip(&mapped) {
                    fields.set(spec.column, value);
                }
                judged(&fields, number, &self.context, self.kind, unmapped)
            }
        }))
    }
}

impl Layout {
    fn encoding(&self) -> Encoding {
        match self {
            Self::Own(_) => Encoding::Utf8,
            Self::Foreign(mapping) => mapping.encoding(),
        }
    }

    fn columns(&self) -> usize {
        match self {
            Self::Own(order) => order.len(),
            Self::Foreign(mapping) => mapping.columns(),
        }
    }

    fn split<'t>(&self, text: &'t str) -> Result<Vec<Cow<'t, str>>, BadQuotes> {
        match self {
            Self::Own(_) => split(text, ';', Quotes::Double),
            Self::Foreign(mapping) => mapping.split(text),
        }
    }

    /// The card's number in a row that is not text in the declared encoding: separators and numbers are ASCII in
    /// every encoding that back offices use, so the number can still be read.
    fn card_of_broken_text(&self, bytes: &[u8]) -> Option<LocalId> {
        let text = Encoding::decode_ascii(bytes);
        let values = self
            .split(&text)
            .ok()
            .filter(|values| values.len() == self.columns())?;
        match self {
            Self::Own(order) => {
                let position = order.iter().position(|column| *column == Column::Card)?;
                values
                    .get(position)
                    .and_then(|value| LocalId::parse(value.trim()).ok())
            }
            Self::Foreign(mapping) => mapping
                .card(&values)
                .and_then(|card| LocalId::parse(card.trim()).ok()),
        }
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

fn read_header<R: Read>(lines: &mut Lines<R>, encoding: Encoding) -> Result<String, OpenError> {
    let header = lines.next_line()?;
    let bytes = match header {
        Some(line) => line.bytes.ok_or_else(|| fault(HeaderFault::Unreadable))?,
        None => return Err(fault(HeaderFault::Empty)),
    };
    let unmarked = bytes.strip_prefix(UTF_8_MARK);
    if unmarked.is_some() && encoding != Encoding::Utf8 {
        return Err(fault(HeaderFault::Utf8Mark(encoding)));
    }
    encoding
        .decode(unmarked.unwrap_or(bytes))
        .map(Cow::into_owned)
        .map_err(|_| fault(HeaderFault::Encoding(encoding)))
}

/// The byte-order mark in UTF-8.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The row of fields that are ours; `unmapped` was found while they were made so.
fn judged(
    fields: &Fields<'_>,
    line: u64,
    context: &ExportContext,
    kind: ExportKind,
    unmapped: Unmapped,
) -> Row {
    let Unmapped {
        mut findings,
        columns,
    } = unmapped;
    let outcome = match read_row(Sheet::new(fields, line, context), kind) {
        outcome if findings.is_empty() => outcome,
        Ok(Accepted {
            warnings: further, ..
        })
        | Err(further) => {
            // Warnings compare values, of which some are missing here; errors elsewhere in the row are told at once.
            let holds = |finding: &Finding| {
                finding.severity() == Severity::Error
                    && finding.column.is_none_or(|column| !columns.contains(&column))
            };
            findings.extend(further.into_iter().filter(holds));
            Err(findings)
        }
    };
    Row {
        line,
        local_id: LocalId::parse(fields.get(Column::Card)).ok(),
        outcome,
    }
}

fn kept_aside(line: u64, local_id: Option<LocalId>, rule: &'static FindingRule) -> Row {
    Row {
        line,
        local_id,
        outcome: Err(vec![Finding {
            rule,
            column: None,
            line,
        }]),
    }
}

/// The separator that a header seems to use, when it is read as one field.
pub(super) fn other_separator(header: &str, expected: char) -> Option<char> {
    [';', ',', '\t', '|']
        .into_iter()
        .find(|other| *other != expected && header.contains(*other))
}

fn column_order(header: &str) -> Result<Vec<Column>, Vec<HeaderFault>> {
    let expected = ';';
    let names = split(header, expected, Quotes::Double).map_err(|BadQuotes| vec![HeaderFault::Unreadable])?;
    if let [_only] = names.as_slice()
        && let Some(found) = other_separator(header, expected)
    {
        return Err(vec![HeaderFault::Separator { found, expected }]);
    }
    let mut faults = Vec::new();
    let mut order = Vec::with_capacity(names.len());
    for (position, name) in (1..).zip(&names) {
        match Column::named(name.trim()) {
            None => faults.push(HeaderFault::Unknown { position }),
            Some(column) if order.contains(&column) => faults.push(HeaderFault::Double(column.name().into())),
            Some(column) => order.push(column),
        }
    }
    let missing = COLUMNS
        .iter()
        .filter(|spec| spec.requirement != Requirement::Optional && !order.contains(&spec.column));
    faults.extend(missing.map(|spec| HeaderFault::Missing(spec.name.into())));
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}
