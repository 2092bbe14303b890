//! Exports: the layout in which a back office hands its cards to the node, all of them or those that changed.
//!
//! CSV with `;` between fields, UTF-8, one header row, one row for each card with what holds now and since when. The
//! columns are one table ([`COLUMNS`]): reader, writer and `config/export-layout.md` are made from it. Other layouts
//! are read through a [`mapping`].
//!
//! A row that breaks a rule is a [`Row`] with findings, never the end of the file: a line is a row, whatever its
//! quotation marks say, so that one row cannot swallow the next. Memory is bounded by the longest admitted line.

mod column;
mod document;
mod encoding;
mod line;
pub mod mapping;
mod operation;
mod parse;
mod reader;
mod writer;

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use self::column::{COLUMNS, Column, ColumnSpec, Form, Requirement};
pub use self::document::layout_document;
pub use self::encoding::Encoding;
pub use self::line::MAX_LINE;
use self::mapping::Mapping;
pub use self::operation::{Accepted, Operation, StatedEvent};
pub use self::reader::{ExportReader, HeaderFault, OpenError, Row};
pub use self::writer::ExportWriter;
use crate::identifier::IstatCode;

/// What the file does not say of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportContext {
    /// Municipality that keeps the cards.
    pub municipality: IstatCode,
    /// Day on which the export was made: nothing registered lies after it.
    pub reference_date: NaiveDate,
}

/// What an export is, which it does not say of itself either.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportForm {
    /// All cards, or those to which something happened.
    pub kind: ExportKind,
    /// How a layout other than ours is read.
    pub mapping: Option<Arc<Mapping>>,
}

/// Which cards an export holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportKind {
    /// All that the municipality publishes: a card that is not named is withdrawn.
    #[default]
    Total,
    /// Those to which something happened: a card that is not named stays as it is.
    Incremental,
}

impl ExportKind {
    /// The name in configuration files and commands.
    pub fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Incremental => "incremental",
        }
    }

    /// The kind of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Total, Self::Incremental]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests;
