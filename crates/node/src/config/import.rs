//! Section `import`: how exports come in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use registry::export::ExportKind;
use serde::Deserialize;

use crate::import::RemovalLimit;
use crate::incoming::{Completion, IncomingRules};
use crate::intake::IntakeRules;
use crate::retention::Retention;

use super::{ConfigError, value_error};

/// Seconds between two looks into the drop folder.
const SCAN_SECONDS: u64 = 10;

/// Seconds for which a file must stay the same.
const SETTLE_SECONDS: u64 = 30;

/// Hours for which files are kept that are no exports: a week.
const KEEP_REJECTED_HOURS: u64 = 168;

/// Longest time that may be stated, hours: a year.
const MOST_HOURS: u64 = 8784;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawImport {
    incoming: Option<PathBuf>,
    rejected: Option<PathBuf>,
    #[serde(default)]
    completion: RawCompletion,
    settle_seconds: Option<u64>,
    scan_seconds: Option<u64>,
    keep_hours: Option<u64>,
    keep_rejected_hours: Option<u64>,
    largest_cancellation_percent: Option<u8>,
    kind: Option<String>,
    mapping: Option<PathBuf>,
}

/// What the section says.
pub(super) struct ImportRules {
    pub(super) intake: IntakeRules,
    pub(super) incoming: IncomingRules,
    pub(super) export_kind: ExportKind,
    pub(super) mapping: Option<PathBuf>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawCompletion {
    #[default]
    Settled,
    OkFile,
    Sha256File,
}

impl RawImport {
    pub(super) fn check(
        self,
        base: &Path,
        data_directory: &Path,
        retention: Retention,
    ) -> Result<ImportRules, ConfigError> {
        let Self {
            incoming,
            rejected,
            completion,
            settle_seconds,
            scan_seconds,
            keep_hours,
            keep_rejected_hours,
            largest_cancellation_percent,
            kind,
            mapping,
        } = self;
        let removals = match largest_cancellation_percent {
            None => RemovalLimit::default(),
            Some(percent @ 0..=100) => RemovalLimit::Percent(percent),
            Some(_) => {
                let key = "import.largest_cancellation_percent";
                return Err(value_error(key, "must lie between 0 and 100"));
            }
        };
        if settle_seconds.is_some() && completion != RawCompletion::Settled {
            return Err(value_error(
                "import.settle_seconds",
                "belongs to completion = \"settled\" alone",
            ));
        }
        let seconds = |key, value: u64| {
            if (1..=86_400).contains(&value) {
                Ok(Duration::from_secs(value))
            } else {
                Err(value_error(key, "must lie between 1 and 86400"))
            }
        };
        let hours = |key, value: u64| {
            if value <= MOST_HOURS {
                Ok(Duration::from_secs(3600 * value))
            } else {
                Err(value_error(key, "must lie between 0 and 8784"))
            }
        };
        let folder = |path: Option<PathBuf>, usual: &str| {
            path.map_or_else(|| data_directory.join(usual), |path| base.join(path))
        };
        let (directory, rejected) = (folder(incoming, "incoming"), folder(rejected, "rejected"));
        if directory == rejected {
            return Err(value_error("import.rejected", "must not be the drop folder"));
        }
        let settle = seconds("import.settle_seconds", settle_seconds.unwrap_or(SETTLE_SECONDS))?;
        let keep_rejected = keep_rejected_hours.unwrap_or(KEEP_REJECTED_HOURS);
        let intake = IntakeRules {
            removals,
            keep: hours("import.keep_hours", keep_hours.unwrap_or(0))?,
            retention,
        };
        let incoming = IncomingRules {
            directory,
            rejected,
            completion: match completion {
                RawCompletion::Settled => Completion::Settled(settle),
                RawCompletion::OkFile => Completion::OkFile,
                RawCompletion::Sha256File => Completion::Sha256File,
            },
            interval: seconds("import.scan_seconds", scan_seconds.unwrap_or(SCAN_SECONDS))?,
            keep_rejected: hours("import.keep_rejected_hours", keep_rejected)?,
        };
        Ok(ImportRules {
            intake,
            incoming,
            export_kind: match kind {
                None => ExportKind::default(),
                Some(kind) => ExportKind::named(&kind)
                    .ok_or_else(|| value_error("import.kind", "must be total or incremental"))?,
            },
            mapping: mapping.map(|path| base.join(path)),
        })
    }
}
