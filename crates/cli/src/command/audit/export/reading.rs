//! Reading the log into an export: page by page up to a checkpoint, then as entries are made.
//!
//! Pages end at the checkpoint that was the newest when the export began, so an export ends although its own reading makes
//! entries. What is in the log about followers is not sent to followers, so following does not feed itself.

use std::time::Duration;

use agreement::reason::ExitCode;
use client::auditor::{AccessEntry, Followed, Follower, IndexRange, SignedHead};
use client::error::{ClientError, EvidenceFault};
use client::page::PageRequest;
use transport::shutdown::Shutdown;

use super::{Exporter, fault_of, refused};
use crate::call;
use crate::export::directory::{ExportDirectory, Growing, KeepError};
use crate::export::evidence::Evidence;
use crate::export::state::{Settings, State};
use crate::failure::Failure;
use crate::session::Session;

/// Pages after each of which the checkpoint is looked at; later only after so many.
const PAGES_PER_CHECKPOINT: u64 = 64;

/// Followed entries that are kept together at most.
const BATCH: usize = 256;

/// Wait before a log that is out of reach is followed again, and the longest one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How often at most the checkpoint is looked at while the log is followed, milliseconds.
const CHECKPOINT_EVERY_MS: u64 = 60_000;

/// What a follower was given before it stops.
enum Step {
    Followed(Followed),
    Ended,
}

impl Exporter {
    /// Goes on with the export of a directory or begins it, with the newest checkpoint kept.
    pub(super) async fn open(
        &self,
        directory: ExportDirectory,
        state: Option<State>,
        settings: Settings,
        session: &mut Session<'_, '_>,
    ) -> Result<Growing, Failure> {
        let head = self.auditor.checkpoint().await;
        let head = head.map_err(|error| call::unanswered(&error))?;
        let state = match state {
            Some(state) => {
                if state.origin != head.checkpoint.origin.as_str() {
                    return Err(other_log());
                }
                if state.scope != self.scope(state.next).await? {
                    return Err(other_scope());
                }
                session.say(
                    format!("si riprende dalla voce {}", state.next),
                    format!("going on at entry {}", state.next),
                )?;
                state
            }
            None => self.begin(&head, settings).await?,
        };
        let growing = directory.grow(state).map_err(|error| refused(&error))?;
        growing.reopen().map_err(|fault| fault_of(&fault))?;
        keep(&growing, &head)?;
        for known in &self.known {
            let (old, new) = (known.checkpoint.size, head.checkpoint.size);
            if new < old {
                return Err(smaller(old, new));
            }
            keep(&growing, known)?;
        }
        Ok(growing)
    }

    async fn begin(&self, head: &SignedHead, settings: Settings) -> Result<State, Failure> {
        let size = head.checkpoint.size;
        let end = settings.until_index.map_or(size, |until| until.min(size));
        if end <= settings.from_index && !settings.follow {
            return Err(Failure::usage(
                format!("il registro ha {size} voci: da --from-index non ce n'è nessuna"),
                format!("the log has {size} entries: there is none from --from-index"),
            ));
        }
        let origin = head.checkpoint.origin.as_str().to_owned();
        let scope = self.scope(settings.from_index).await?;
        Ok(State::new(origin, scope, settings, end))
    }

    /// Learns the scope by a page without entries, which needs no place to be kept in.
    async fn scope(&self, at: u64) -> Result<String, Failure> {
        let nothing = IndexRange {
            start: at,
            end: Some(at),
        };
        let page = PageRequest {
            size: Some(1),
            after: None,
        };
        let page = self
            .auditor
            .list_accesses_in(&self.context, &self.filter, nothing, &page)
            .await;
        page.map(|page| page.scope.to_string())
            .map_err(|error| call::unanswered(&error))
    }

    /// Exports the pages that are left.
    pub(super) async fn pages(
        &self,
        growing: &mut Growing,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let end = growing.state().end;
        let start = growing.state().next;
        let bar = session.progress(end.saturating_sub(start));
        let mut request = PageRequest {
            size: Some(self.page),
            after: None,
        };
        let mut range = IndexRange {
            start,
            end: Some(end),
        };
        let mut pages = 0_u64;
        while growing.state().next < end {
            let listed = self
                .auditor
                .list_accesses_in(&self.context, &self.filter, range, &request)
                .await
                .map_err(|error| call::unanswered(&error))?;
            if listed.scope.to_string() != growing.state().scope {
                return Err(other_scope());
            }
            let entries = in_order(listed.page.items, growing.state().next, end)?;
            // A page goes on by its index and not by a token, which an index that was restarted does not know any more.
            let next = match (listed.page.next, entries.last().map(Evidence::index)) {
                (None, _) => end,
                (Some(_), Some(last)) => {
                    range.start = last + 1;
                    request.after = None;
                    last + 1
                }
                (Some(token), None) => {
                    request.after = Some(token);
                    growing.state().next
                }
            };
            growing.add(&entries, next).map_err(|fault| fault_of(&fault))?;
            bar.set_position(next.saturating_sub(start));
            pages += 1;
            if pages < PAGES_PER_CHECKPOINT || pages.is_multiple_of(PAGES_PER_CHECKPOINT) {
                self.look(growing).await?;
            }
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Exports entries as they are made, until the range or the process is to end.
    pub(super) async fn follow(
        &self,
        growing: &mut Growing,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let until = growing.state().settings.until_index;
        let shutdown = Shutdown::new();
        shutdown.on_signals().map_err(|error| Failure::internal(&error))?;
        let start = growing.state().next;
        let mut follower =
            self.auditor
                .follow_accesses(self.context.clone(), self.filter.clone(), Some(start));
        let (mut held, mut wait, mut looked_ms) = (Vec::new(), FIRST_WAIT, 0);
        while until.is_none_or(|until| growing.state().next < until) {
            let next = match step(&mut follower, &shutdown).await {
                Ok(Step::Ended) => break,
                Ok(Step::Followed(followed)) => {
                    wait = FIRST_WAIT;
                    let (next, caught_up) = match followed {
                        Followed::Entry(entry) => {
                            let index = entry.index;
                            if until.is_none_or(|until| index < until) {
                                let known = growing.state().next;
                                let after = held.last().map_or(known, |last: &Evidence| last.index() + 1);
                                held.extend(in_order(vec![*entry], after, u64::MAX)?);
                            }
                            (index + 1, false)
                        }
                        Followed::Progress(next) => (next.max(growing.state().next), true),
                    };
                    let at_end = until.is_some_and(|until| until <= next);
                    if !caught_up && !at_end && held.len() < BATCH {
                        continue;
                    }
                    until.map_or(next, |until| next.min(until))
                }
                Err(error) if error.is_unavailable() => {
                    let seconds = wait.as_secs();
                    session.say(
                        format!("registro non raggiungibile; nuovo tentativo tra {seconds} s"),
                        format!("the log cannot be reached; trying again in {seconds} s"),
                    )?;
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = shutdown.triggered() => break,
                    }
                    wait = LONGEST_WAIT.min(wait * 2);
                    continue;
                }
                Err(error) => return Err(call::unanswered(&error)),
            };
            growing.add(&held, next).map_err(|fault| fault_of(&fault))?;
            held.clear();
            let now_ms = session.surroundings.clock.now_ms();
            if CHECKPOINT_EVERY_MS <= now_ms.saturating_sub(looked_ms) {
                looked_ms = now_ms;
                self.look(growing).await?;
            }
        }
        match held.last().map(Evidence::index) {
            Some(last) => growing.add(&held, last + 1).map_err(|fault| fault_of(&fault)),
            None => Ok(()),
        }
    }

    /// Keeps the newest checkpoint.
    async fn look(&self, growing: &Growing) -> Result<(), Failure> {
        let head = self.auditor.checkpoint().await;
        keep(growing, &head.map_err(|error| call::unanswered(&error))?)
    }
}

/// Keeps a checkpoint.
pub(super) fn keep(growing: &Growing, head: &SignedHead) -> Result<(), Failure> {
    growing.keep_checkpoint(head).map_err(|error| match &error {
        KeepError::File(fault) => fault_of(fault),
        KeepError::Forked { .. } => Failure::new(
            ExitCode::NegativeAnswer,
            "il registro ha firmato due storie diverse",
            "the log has signed two different histories",
        )
        .because(&error)
        .remedy(
            "conservare entrambi i file: insieme lo provano a chiunque",
            "keep both files: together they prove it to anybody",
        ),
    })
}

async fn step(follower: &mut Follower, shutdown: &Shutdown) -> Result<Step, ClientError> {
    tokio::select! {
        next = follower.next() => next.map(Step::Followed),
        () = shutdown.triggered() => Ok(Step::Ended),
    }
}

/// Entries must come in order, from where the export is and before its end.
fn in_order(entries: Vec<AccessEntry>, from: u64, end: u64) -> Result<Vec<Evidence>, Failure> {
    let mut next = from;
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.index < next || end <= entry.index {
            let error = ClientError::from(EvidenceFault::OtherSubject("index"));
            return Err(call::unanswered(&error));
        }
        next = entry.index + 1;
        found.push(Evidence::of(entry));
    }
    Ok(found)
}

fn smaller(old: u64, new: u64) -> Failure {
    Failure::new(
        ExitCode::NegativeAnswer,
        format!("il registro è più piccolo di prima: {new} voci, ed erano {old}"),
        format!("the log is smaller than it was: {new} entries, and there were {old}"),
    )
    .remedy(
        "conservare il checkpoint e segnalarlo all'autorità di controllo",
        "keep the checkpoint and tell the supervisory authority",
    )
}

fn other_log() -> Failure {
    Failure::new(
        ExitCode::Conflict,
        "nella cartella c'è l'esportazione di un altro registro",
        "the directory holds the export of another log",
    )
}

fn other_scope() -> Failure {
    Failure::new(
        ExitCode::Conflict,
        "l'ambito di lettura non è quello con cui l'esportazione è cominciata",
        "the scope of the reader is not the one with which the export began",
    )
    .remedy(
        "ricominciare in una cartella nuova",
        "begin again in a new directory",
    )
}
