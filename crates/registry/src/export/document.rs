//! The documentation of the layout, written from its tables.

use std::fmt::Write;

use crate::change::EventKind;
use crate::export::column::COLUMNS;
use crate::finding::RULES;

const INTRODUCTION: &str = "\
# Layout of exports

<!-- Written from the tables in crates/registry; PONTE_WRITE_DOCS=1 cargo test -p registry writes it again. -->

A back office hands the cards of a municipality to the node in a file, with what holds now and since when: all of them
(*total* export), or those to which something happened (*incremental* export). The node finds out what changed since
the last file and keeps the history. A back office that writes another layout is read with a mapping: see `mapping.md`.

- CSV in UTF-8; a byte-order mark is admitted. Lines end with LF or CRLF and have at most 65,536 bytes.
- Fields are separated by `;`. A field that begins with `\"` ends with `\"`, and `\"\"` inside stands for one. A line is
  a row: values hold no line break.
- The first line names the columns, in any order. Blanks around a value do not count.
- One row for each card, also those of persons who left or died, as long as the municipality keeps them published.
- Codes are those of ANPR's tables. An empty field means that the registry does not know, or that there is none.
- A row with an error is kept aside and the card's last good version stays published; a row with warnings is published.
- A card that is in one total export and not in the next is withdrawn from publication.

## Incremental exports

The file does not say of itself that it is incremental: the node is told, with `--incremental` or `import.kind`.

- The same columns. A row is the whole card as it stands after the operation; several rows of one card are several
  operations, in the order of the file. A card that is not named stays as it is.
- `operazione` is `A` or empty to publish the card, `C` to withdraw it from publication, `X` to annul its last operation:
  the card goes back to what it was before, and a card that had only one operation is withdrawn. With `C` and `X` only
  `scheda` and the columns of the event are read.
- `evento` with its dates says what happened, in total exports too. Without `evento` the node finds out by comparing the
  row with the card's last version, and `evento_registrazione` is the registration date of what it finds.
- `atto_…` says where the civil-status act behind `evento` is kept (DPR 396/2000): municipality, year and number go
  together, and an incomplete reference is not taken.
- With `evento` `RECTIFICATION` what the row states takes the place of the latest fact, also under another start.
  With any other event a fact under a new start is added and the earlier ones stay as history.
- An annulment is known by its registration date, which `X` therefore needs: a card's operations are annulled once a
  day, so that a file that is imported twice annuls once. An annulment that was registered before the card's last
  operation of an earlier file was (the day of that export, where its row says nothing) is refused.

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
    text.push_str("\n## Events\n\n| Code | Evento |\n|---|---|\n");
    for kind in EventKind::ALL {
        let written = writeln!(text, "| `{}` | {} |", kind.code(), kind.label());
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
