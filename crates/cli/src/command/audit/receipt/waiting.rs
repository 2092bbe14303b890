//! Until a receipt is witnessed, or the time for it has passed: what a client that stays does for all its receipts.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agreement::reason::ExitCode;
use client::upgrade::{RaisedUpgrade, UpgradeAlarm, Upgrades, Witnessing};
use client::witness::WitnessClient;
use ledger::checkpoint::SignedCheckpoint;
use ledger::policy::Policy;
use ledger::receipt::Receipt;
use tokio::sync::broadcast;
use transport::causes::chain;

use super::{Form, accuse, witnessed};
use crate::failure::Failure;
use crate::session::Session;

/// A receipt that is waited for.
pub(super) struct Waiting<'a> {
    file: &'a Path,
    form: Form,
    policy: Policy,
    upgrades: Upgrades,
    arriving: broadcast::Receiver<Arc<Receipt>>,
}

impl<'a> Waiting<'a> {
    pub(super) fn new(
        file: &'a Path,
        receipt: Receipt,
        form: Form,
        policy: Policy,
        minutes: u64,
        session: &Session<'_, '_>,
    ) -> Result<Self, Failure> {
        let wrong = |error: &(dyn std::error::Error + 'static)| Failure::file(file, error);
        let head = SignedCheckpoint::parse(&receipt.checkpoint).map_err(|error| wrong(&error))?;
        let log = policy.log(&head.checkpoint().origin).cloned();
        let log = log.ok_or_else(|| {
            Failure::usage(
                "la policy non conosce il registro della ricevuta",
                "the policy does not know the log of the receipt",
            )
        })?;
        let witnessing = Witnessing::new(log, policy.clone())
            .map_err(|error| {
                Failure::usage("la policy non ha un quorum", "the policy has no quorum").because(&error)
            })?
            .within(Duration::from_secs(minutes.saturating_mul(60)));
        let upgrades = Upgrades::new(witnessing, Arc::clone(&session.surroundings.clock));
        let arriving = upgrades.witnessed();
        upgrades.hold(receipt).map_err(|error| wrong(&error))?;
        Ok(Self {
            file,
            form,
            policy,
            upgrades,
            arriving,
        })
    }

    pub(super) async fn run(
        mut self,
        client: &WitnessClient,
        session: &mut Session<'_, '_>,
    ) -> Result<ExitCode, Failure> {
        loop {
            self.upgrades.look(client).await;
            if let Ok(receipt) = self.arriving.try_recv() {
                return witnessed(self.file, self.form, &receipt, &self.policy, session);
            }
            let status = self.upgrades.status();
            if let Some(raised) = status.alarms.first() {
                return self.alarmed(raised, session);
            }
            let obstacle = status.obstacle.unwrap_or_default();
            session.say(
                format!("non ancora confermata dai testimoni: {obstacle}"),
                format!("not witnessed yet: {obstacle}"),
            )?;
            self.upgrades.due().await;
        }
    }

    fn alarmed(&self, raised: &RaisedUpgrade, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
        let error = chain(&raised.alarm);
        if let Some(shown) = &raised.shown {
            return accuse(self.file, shown, &error, session);
        }
        let italian = match &raised.alarm {
            UpgradeAlarm::NotWitnessed { .. } => "la ricevuta non è stata confermata in tempo dai testimoni",
            UpgradeAlarm::Smaller { .. } => {
                "il registro è più piccolo di quanto attesta la ricevuta: ne manca una parte"
            }
            UpgradeAlarm::Forked { .. }
            | UpgradeAlarm::NotContinued { .. }
            | UpgradeAlarm::Proof { .. }
            | UpgradeAlarm::NotHeld { .. } => "la prova ricevuta non dimostra nulla",
        };
        session.say(
            format!("ALLARME: {italian}; conservare la ricevuta e segnalarlo all'autorità di controllo"),
            format!("ALARM: {error}; keep the receipt and tell the supervisory authority"),
        )?;
        Ok(ExitCode::NegativeAnswer)
    }
}
