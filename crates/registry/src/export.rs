//! The total export: the layout in which a back office hands all its cards to the node.
//!
//! CSV with `;` between fields, UTF-8, one header row, one row for each card with what holds now and since when. The
//! columns are one table ([`COLUMNS`]): reader, writer and `config/export-layout.md` are made from it.
//!
//! A row that breaks a rule is a [`Row`] with findings, never the end of the file: a line is a row, whatever its
//! quotation marks say, so that one row cannot swallow the next. Memory is bounded by the longest admitted line.

mod column;
mod document;
mod line;
mod parse;
mod reader;
mod writer;

pub use self::column::{COLUMNS, Column, ColumnSpec, Form, Requirement};
pub use self::document::layout_document;
pub use self::line::MAX_LINE;
pub use self::reader::{ExportReader, HeaderFault, OpenError, Row};
pub use self::writer::ExportWriter;

use chrono::NaiveDate;

use crate::identifier::IstatCode;

/// What the file does not say of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportContext {
    /// Municipality that keeps the cards.
    pub municipality: IstatCode,
    /// Day on which the export was made: nothing registered lies after it.
    pub reference_date: NaiveDate,
}

#[cfg(test)]
mod tests;
