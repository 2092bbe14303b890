//! What must be found: a line, a code, a column.

use registry::export::HeaderFault;
use serde::Serialize;

use crate::findings::RuleFindings;

/// Header row of a file of expected findings.
const HEADER: &str = "riga;codice;colonna";

/// A finding at its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Expectation {
    /// Line of the export, the header being line 1; also where there is no header row.
    pub line: u64,
    /// Code of the rule, or of what is wrong with the header.
    pub code: String,
    /// Column of the layout, when it is one.
    pub column: String,
}

/// Why a file of expected findings cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpectationError {
    /// Not text in UTF-8.
    #[error("the file is not UTF-8")]
    Encoding,
    /// Another header.
    #[error("the first line must be riga;codice;colonna")]
    Header,
    /// A line that is none.
    #[error("line {0} is not a line number, a code and a column")]
    Line(usize),
}

impl Expectation {
    /// Reads a file: CSV with `;`, header `riga;codice;colonna`, a line for each finding, in any order.
    pub(super) fn parse_file(bytes: &[u8]) -> Result<Vec<Self>, ExpectationError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ExpectationError::Encoding)?;
        let mut lines = text.lines();
        if lines.next().map(str::trim) != Some(HEADER) {
            return Err(ExpectationError::Header);
        }
        let mut expected = Vec::new();
        for (number, line) in (2..).zip(lines) {
            if !line.trim().is_empty() {
                expected.push(Self::parse(line).ok_or(ExpectationError::Line(number))?);
            }
        }
        expected.sort();
        Ok(expected)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(';').map(str::trim);
        let (line, code, column) = (fields.next()?, fields.next()?, fields.next()?);
        let alone = fields.next().is_none();
        (alone && !code.is_empty()).then_some(Self {
            line: line.parse().ok()?,
            code: code.to_owned(),
            column: column.to_owned(),
        })
    }

    pub(super) fn of_findings(found: &RuleFindings) -> impl Iterator<Item = Self> + use<> {
        let (code, column) = (found.code, found.column.unwrap_or_default());
        found.lines.clone().into_iter().map(move |line| Self {
            line,
            code: code.to_owned(),
            column: column.to_owned(),
        })
    }

    pub(super) fn of_header(fault: &HeaderFault) -> Self {
        let (code, column) = match fault {
            HeaderFault::Empty => ("HEADER-EMPTY", String::new()),
            HeaderFault::Encoding(_) => ("HEADER-ENCODING", String::new()),
            HeaderFault::Utf8Mark(_) => ("HEADER-UTF8", String::new()),
            HeaderFault::Unreadable => ("HEADER-UNREADABLE", String::new()),
            HeaderFault::Separator { .. } => ("HEADER-SEPARATOR", String::new()),
            HeaderFault::Missing(column) => ("HEADER-MISSING", column.to_string()),
            HeaderFault::Double(column) => ("HEADER-DOUBLE", column.to_string()),
            HeaderFault::Unknown { position } => ("HEADER-UNKNOWN", position.to_string()),
        };
        Self {
            line: 1,
            code: code.to_owned(),
            column,
        }
    }
}

/// Those of the first that the second does not have, each as often as it is more; both are sorted.
pub(super) fn without(these: &[Expectation], those: &[Expectation]) -> Vec<Expectation> {
    let mut rest = those.to_vec();
    let mut left = Vec::new();
    for this in these {
        match rest.iter().position(|that| that == this) {
            Some(position) => {
                rest.swap_remove(position);
            }
            None => left.push(this.clone()),
        }
    }
    left
}
