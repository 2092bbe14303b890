//! The documentation of the format.

use std::fmt::Write;

use super::rule::STEPS;
use crate::export::encoding::Encoding;
use crate::export::mapping::MAPPING_FINDINGS;

const INTRODUCTION: &str = "\
# Mappings of foreign layouts

<!-- Written from the tables in crates/registry; PONTE_WRITE_DOCS=1 cargo test -p registry writes it again. -->

A back office that does not write the layout of `export-layout.md` is read with a mapping: a TOML file that says how each of our columns comes of its columns.
`ponte node check --mapping FILE` tries it without importing anything, `import.mapping` in `node.toml` sets it for the node.
Samples with an export each are in `mappings/`.

- Everything is named: a foreign column is read or listed in `file.ignored`, a column of ours is given or listed in `file.absent`.
- Nothing is guessed: a code without translation, a date in another form, an address that does not fall apart in one way keep the row aside, with our column and the line.
- Names of columns match in any case; values match as they stand, without the blanks around them.
- A wrong encoding is noticed: bytes that the declared one does not have, and UTF-8 that was read as something else, keep the row aside. Reading ISO-8859-1 as Windows-1252 is no fault: the letters are the same.
- A value is read in this order: the rows of `when`, `steps`, `values`, `join`, dates.

";

/// Key, form, meaning.
const KEYS: &[(&str, &str, &str)] = &[
    ("version", "`1`", "version of the format"),
    ("back_office", "text", "which back office it is for, for people"),
    ("file.encoding", "name", "the encoding, below"),
    (
        "file.separator",
        "character",
        "between fields; `;` without it, a tab is `\"\\t\"`",
    ),
    (
        "file.quotes",
        "`double`, `plain`",
        "whether `\"` around a field encloses it (usual), or is a character like any other",
    ),
    (
        "file.header",
        "list of names",
        "only for a file without header row: the names of its columns, in order",
    ),
    (
        "file.ignored",
        "list of names",
        "foreign columns that are not read",
    ),
    (
        "file.absent",
        "list of our columns",
        "columns of ours that the back office does not have",
    ),
    (
        "dates.forms",
        "list",
        "how dates are written: `YYYY`, `MM`, `DD` once each with what stands between, `DD/MM/YYYY`, `YYYYMMDD`, `DD.MM.YYYY`; `YYYY-MM-DD` without it; two forms that fit one text are refused",
    ),
    ("dates.empty", "list", "values that mean no date: `00/00/0000`"),
    (
        "dates.unknown",
        "`refused`, `zeros`",
        "what a day or month of zeros means: a wrong date (usual), or that it is not known",
    ),
    (
        "columns.OURS",
        "name, or table",
        "the foreign column that gives our column; a table for all else",
    ),
    (
        "columns.OURS.from",
        "name or list",
        "the foreign column, or several that are joined",
    ),
    (
        "columns.OURS.join",
        "text",
        "what stands between joined values that are not empty",
    ),
    (
        "columns.OURS.fixed",
        "value",
        "the same value in every row, instead of `from`",
    ),
    (
        "columns.OURS.when",
        "table",
        "`column` with `is` or `is_not`, a list of foreign values: in other rows our column is empty; `is_not = [\"\"]` is a foreign column that is not empty",
    ),
    ("columns.OURS.steps", "list", "changes, below, in their order"),
    (
        "columns.OURS.values",
        "table",
        "foreign value to ours; an empty one is `\"\"`, on both sides",
    ),
    (
        "columns.OURS.otherwise",
        "`refuse`, `keep`",
        "what becomes of a value that `values` does not have; an empty one stays empty",
    ),
    ("columns.OURS.dates", "table", "as `dates`, for this column alone"),
    (
        "columns.OURS.without_day",
        "name",
        "foreign column with ANPR's `senzaGiorno`: `1` or `S` when the day is not known and written as 1",
    ),
    (
        "columns.OURS.without_month",
        "name",
        "the same for `senzaGiornoMese`: day and month are not known",
    ),
    (
        "split.from",
        "name",
        "foreign column that gives several of ours; `[[split]]` stands once for each",
    ),
    (
        "split.as",
        "`parts`, `street`, `number`",
        "`parts`: at a text, into as many columns; `street`: species, name, number and suffix; `number`: number and suffix",
    ),
    ("split.at", "text", "for `parts`: where it falls apart"),
    (
        "split.into",
        "list of our columns",
        "for `parts`: exactly as many as there are parts",
    ),
    (
        "split.number_after",
        "`comma`, `blank`",
        "for `street`: the number stands after the last comma, and without comma there is none; or it is the last word, `SNC` for none",
    ),
    (
        "split.species",
        "table",
        "for `street`: what the back office writes for a species, with its code of table 4; nothing else is one",
    ),
    ("split.when", "table", "as for columns"),
];

/// `config/mapping.md`.
pub fn mapping_document() -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("## Keys\n\n| Key | Form | Meaning |\n|---|---|---|\n");
    for (key, form, meaning) in KEYS {
        line(&mut text, format_args!("| `{key}` | {form} | {meaning} |"));
    }
    text.push_str("\nHouse numbers are read as `12`, `12A`, `12/A`, `12/1`, `12 BIS`, `SNC` and nothing; a range such as `12-14` is none.\n");
    text.push_str("\n## Encodings\n\n");
    for encoding in Encoding::ALL {
        line(&mut text, format_args!("- `{encoding}`"));
    }
    text.push_str("\n## Steps\n\n| Step | What it does |\n|---|---|\n");
    for (name, meaning) in STEPS {
        line(&mut text, format_args!("| `{name}` | {meaning} |"));
    }
    text.push_str("\n## Findings\n\nAll of them keep the row aside.\n\n| Code | Segnalazione | Rimedio |\n|---|---|---|\n");
    for rule in MAPPING_FINDINGS {
        line(
            &mut text,
            format_args!("| {} | {} | {} |", rule.code, rule.italian, rule.remedy),
        );
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes any text");
}
