//! The documentation of the layout, written from its tables.

use std::fmt::Write;

use crate::export::column::COLUMNS;
use crate::finding::RULES;

const INTRODUCTION: &str = "\
# Layout of the total export

<!-- Written from the tables in crates/registry; PONTE_WRITE_DOCS=1 cargo test -p registry writes it again. -->

A back office hands all cards of a municipality to the node in one file, with what holds now and since when. The node
finds out what changed since the last file and keeps the history.

- CSV in UTF-8; a byte-order mark is admitted. Lines end with LF or CRLF and have at most 65,536 bytes.
- Fields are separated by `;`. A field that begins with `\"` ends with `\"`, and `\"\"` inside stands for one. A line is
  a row: values hold no line break.
- The first line names the columns, in any order. Blanks around a value do not count.
- One row for each card, also those of persons who left or died, as long as the municipality keeps them published.
- Codes are those of ANPR's tables. An empty field means that the registry does not know, or that there is none.
- A row with an error is kept aside and the card's last good version stays published; a row with warnings is published.
- A card that is in one file and not in the next is withdrawn from publication.

";

/// `config/export-layout.md`.
pub fn layout_document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("## Columns\n\n*Needed*: `value` in every row, `column` in the header, `no` neither.\n\n");
    text.push_str("| Column | Needed | Form | Meaning |\n|---|---|---|---|\n");
    for spec in COLUMNS {
        let written = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            spec.name, spec.requirement, spec.form, spec.meaning
        );
        written.expect("a string takes any text");
    }
    text.push_str("\n## Findings\n\n");
    text.push_str("Codes are ANPR's where ANPR has one for the case; `PN` codes are this program's. ");
    text.push_str("*E* keeps the row aside, *W* does not.\n\n");
    text.push_str("| Code | | Segnalazione | Rimedio | Meaning |\n|---|---|---|---|---|\n");
    for rule in RULES {
        let severity = rule.severity.letter();
        let written = writeln!(
            text,
            "| {} | {severity} | {} | {} | {} |",
            rule.code, rule.italian, rule.remedy, rule.english
        );
        written.expect("a string takes any text");
    }
    text
}
