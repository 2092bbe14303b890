//! Rows as Parquet: one flat table, a typed column for each, `time` as milliseconds UTC, `header` as bytes.
//!
//! Without dictionary codecs or compression, so that any reader opens it. The same rows give the same bytes.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::{Field, Row};
use parquet::schema::parser::parse_message_type;

use super::row::{COLUMNS, Cell, ColumnType};

/// Rows that are held before they are written.
const GROUP: usize = 5_000;

/// Writes a table, row after row.
pub struct ParquetWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: Vec<Vec<Cell>>,
}

/// Reads a table that this module wrote.
pub struct ParquetTable {
    reader: SerializedFileReader<File>,
}

/// Columns as a schema.
fn schema() -> String {
    let fields = COLUMNS.iter().map(|column| {
        let repetition = if column.always { "REQUIRED" } else { "OPTIONAL" };
        let (physical, logical) = match column.holds {
            ColumnType::Number => ("INT64", ""),
            ColumnType::Time => ("INT64", " (TIMESTAMP(MILLIS,true))"),
            ColumnType::Text => ("BYTE_ARRAY", " (UTF8)"),
            ColumnType::Bytes => ("BYTE_ARRAY", ""),
        };
        format!("{repetition} {physical} {}{logical};", column.name)
    });
    format!("message access_log {{ {} }}", fields.collect::<String>())
}

impl<W: Write + Send> ParquetWriter<W> {
    /// An empty table.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let schema = Arc::new(parse_message_type(&schema())?);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("ponte version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(out, schema, Arc::new(properties))?,
            rows: Vec::new(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, cells: Vec<Cell>) -> Result<(), ParquetError> {
        self.rows.push(cells);
        if GROUP <= self.rows.len() {
            self.flush()?;
        }
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<(), ParquetError> {
        if !self.rows.is_empty() {
            self.flush()?;
        }
        self.writer.close().map(drop)
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        let mut group = self.writer.next_row_group()?;
        for (at, column) in COLUMNS.iter().enumerate() {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General("a column is missing".to_owned()));
            };
            let cells = || rows.iter().filter_map(|row| row.get(at));
            let levels: Vec<i16> = cells().map(|cell| i16::from(*cell != Cell::Absent)).collect();
            let levels = (!column.always).then_some(levels.as_slice());
            match column.holds {
                ColumnType::Number | ColumnType::Time => {
                    let values: Vec<i64> = cells().filter_map(whole).collect();
                    writer.typed::<Int64Type>().write_batch(&values, levels, None)?;
                }
                ColumnType::Text | ColumnType::Bytes => {
                    let values: Vec<ByteArray> = cells().filter_map(bytes).collect();
                    writer
                        .typed::<ByteArrayType>()
                        .write_batch(&values, levels, None)?;
                }
            }
            writer.close()?;
        }
        group.close().map(drop)
    }
}

impl ParquetTable {
    /// Opens a table.
    ///
    /// # Errors
    /// It is none.
    pub fn open(file: File) -> Result<Self, ParquetError> {
        SerializedFileReader::new(file).map(|reader| Self { reader })
    }

    /// The rows, in order.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn rows(&self) -> Result<impl Iterator<Item = Result<Vec<Cell>, ParquetError>>, ParquetError> {
        Ok(self.reader.get_row_iter(None)?.map(|row| cells_of(&row?)))
    }
}

/// The cells of a row, which must have the names of the columns.
fn cells_of(row: &Row) -> Result<Vec<Cell>, ParquetError> {
    if row.len() != COLUMNS.len() {
        return Err(ParquetError::General("other columns".to_owned()));
    }
    let fields = COLUMNS.iter().zip(row.get_column_iter());
    fields
        .map(|(column, (name, field))| match (column.holds, field) {
            _ if column.name != name => Err(ParquetError::General("other columns".to_owned())),
            (_, Field::Null) => Ok(Cell::Absent),
            (ColumnType::Number, Field::Long(number)) => Ok(Cell::Number(*number)),
            (ColumnType::Time, Field::TimestampMillis(ms)) => Ok(Cell::Time(*ms)),
            (ColumnType::Text, Field::Str(text)) => Ok(Cell::Text(text.clone())),
            (ColumnType::Bytes, Field::Bytes(bytes)) => Ok(Cell::Bytes(bytes.data().to_vec())),
            _ => Err(ParquetError::General(format!("{name} has another type"))),
        })
        .collect()
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) | Cell::Time(number) => Some(*number),
        Cell::Absent | Cell::Text(_) | Cell::Bytes(_) => None,
    }
}

fn bytes(cell: &Cell) -> Option<ByteArray> {
    match cell {
        Cell::Text(text) => Some(ByteArray::from(text.as_str())),
        Cell::Bytes(bytes) => Some(ByteArray::from(bytes.clone())),
        Cell::Absent | Cell::Number(_) | Cell::Time(_) => None,
    }
}

impl<W: Write + Send> std::fmt::Debug for ParquetWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetWriter").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ParquetTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetTable").finish_non_exhaustive()
    }
}
