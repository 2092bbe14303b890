//! The acceptance report.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::Args;
use node::acceptance::{Acceptance, AcceptanceRequest, CountLine};
use node::control::Command;

use super::NodeArguments;
use super::daemon::{as_json, failed, open, told};
use crate::call::{exists, write_new_private};
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte node acceptance`.
#[derive(Args, Debug)]
pub struct AcceptanceArguments {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// The back office's own counts, as in config/acceptance-counts.toml
    #[arg(long, value_name = "FILE")]
    pub expected: Option<PathBuf>,
    /// Agreement under which sampled cards are shown; several are admitted
    #[arg(long = "agreement", value_name = "FILE")]
    pub agreements: Vec<PathBuf>,
    /// How many cards are shown, at most 100
    #[arg(long, default_value_t = 5, value_name = "COUNT")]
    pub samples: usize,
    /// Which cards: the same seed shows the same ones
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Path of the two files to write, .txt and .json, without extension; they hold personal data
    #[arg(long, value_name = "PREFIX")]
    pub out: PathBuf,
}

/// Writes the report; exit 1 when a count differs from the back office's.
pub(super) fn run(
    arguments: &AcceptanceArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let AcceptanceArguments {
        node,
        expected,
        agreements,
        samples,
        seed,
        out,
    } = arguments;
    let config = node.load()?;
    let files = ["txt", "json"].map(|extension| out.with_extension(extension));
    if let Some(taken) = files.iter().find(|file| file.exists()) {
        return Err(exists(taken));
    }
    let request = AcceptanceRequest {
        expected: expected.as_deref().map(read).transpose()?,
        agreements: agreements
            .iter()
            .map(|file| read(file))
            .collect::<Result<_, _>>()?,
        samples: *samples,
        seed: *seed,
    };
    let command = Command::Acceptance {
        request: request.clone(),
    };
    let made = match told(&config, &command)? {
        Some(made) => made,
        None => session.block_on(async |session| {
            let handle = open(&config, session)?.handle();
            let made = handle.acceptance(request).await;
            as_json(&made.map_err(|error| failed(&error))?)
        })?,
    };
    let acceptance: Acceptance = serde_json::from_value(made).map_err(|error| Failure::internal(&error))?;
    let json = serde_json::to_vec_pretty(&acceptance).map_err(|error| Failure::internal(&error))?;
    let [text_file, json_file] = &files;
    write_new_private(text_file, acceptance.text().as_bytes())?;
    write_new_private(json_file, &json)?;
    let (text_file, json_file) = (text_file.display(), json_file.display());
    session.say(
        format!(
            "scritti {text_file} e {json_file}: contengono dati personali, leggibili solo dal proprietario"
        ),
        format!("wrote {text_file} and {json_file}: they hold personal data, readable by their owner alone"),
    )?;
    let rows: Vec<Datum> = acceptance.counts.iter().map(row).collect();
    session.data(&rows)?;
    Ok(if acceptance.is_as_expected() {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn row(line: &CountLine) -> Datum {
    let CountLine {
        key,
        label: _,
        node,
        expected,
    } = line;
    let outcome = match expected {
        None => "",
        Some(_) if line.differs() => "different",
        Some(_) => "equal",
    };
    RecordBuilder::new()
        .with("count", key.as_str())
        .with("node", *node)
        .with("back_office", Datum::of(*expected))
        .with("outcome", outcome)
        .build()
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::file(file, &error))
}
