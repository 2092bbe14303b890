//! Receipts become witnessed ones: what the log signed for this caller alone, others must have seen within the hour.
//!
//! A signed receipt proves that the log holds the entry; it does not prove that everybody is shown the same log. An index
//! that keeps a second log for one caller signs whatever the caller asks of it, but cannot have it cosigned by witnesses
//! who follow the first one. So whoever holds receipts fetches, for every signed head it was shown, a witnessed head
//! that continues it ([`Receipt::upgraded`]), and raises an alarm where that fails:
//!
//! | Alarm | When |
//! |---|---|
//! | [`UpgradeAlarm::NotWitnessed`] | the period passed, whatever stood in the way |
//! | [`UpgradeAlarm::Forked`] | two signed heads of one size differ |
//! | [`UpgradeAlarm::Smaller`] | the log is smaller than a head that it signed |
//! | [`UpgradeAlarm::NotContinued`] | no proof leads from a head that was shown to the one that is shown now |
//! | [`UpgradeAlarm::Proof`] | what came as evidence proves nothing |
//! | [`UpgradeAlarm::NotHeld`] | more heads were shown than are held, and none could be let go |
//!
//! **Memory is bounded.** Of the receipts under one head the newest is held and upgraded: the others are proved by the
//! same head, and so by whatever continues it. When many heads are held, a proof that one continues another lets the
//! earlier one go, and the later one inherits its age. Where that does not help, a receipt that is not held is an alarm,
//! never a silence.
//! Short receipts are no signed statement; whoever wants one watched fetches the full one
//! ([`crate::agency::AgencyClient::get_receipt`]), which is held like every other.
//!
//! With [`crate::receipt::ReceiptPolicy::Witness`] a connection does all of this by itself, until it is dropped. The role
//! of the caller must be one that may ask for it: agency, auditor or node. Time is that of the connection's clock. What is
//! held is in memory: whoever starts again holds again what it has kept ([`Upgrades::hold`]).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agreement::reason::Reason;
use ledger::checkpoint::LogVerifier;
use ledger::hash::Hash;
use ledger::policy::{Policy, Standing};
use ledger::receipt::{Receipt, ReceiptError};
use ledger::tree::verify_consistency;
use tokio::sync::{Notify, broadcast, watch};
use transport::causes::chain;
use transport::clock::Clock;

use self::alarm::accusation;
use self::keeper::{Held, Keeper, NotKept};
use crate::error::{ClientError, SetupError};
use crate::receipt::ProvedEntry;
use crate::witness::{Upgrade, WitnessClient};

mod alarm;
mod keeper;

#[cfg(test)]
mod tests;

pub use self::alarm::{RaisedUpgrade, UpgradeAlarm, UpgradeAlarmKind};

/// Period within which a receipt must be witnessed, unless another one is set.
pub const WITHIN: Duration = Duration::from_hours(1);

/// Pause between two looks, unless another one is set.
pub const PAUSE: Duration = Duration::from_mins(1);

/// How many heads are held, unless another number is set. Each takes as much memory as a receipt, about 2 KiB.
pub const MOST_HELD: usize = 4_096;

/// How many alarms are kept with their evidence, the first ones; the others are counted.
pub const ALARMS_KEPT: usize = 16;

/// How many witnessed receipts wait for a reader that is slow.
const RECEIPTS_WAITING: usize = 256;

/// Whose cosignatures make a receipt a witnessed one, and by when.
#[derive(Clone, Debug)]
pub struct Witnessing {
    log: LogVerifier,
    policy: Policy,
    within: Duration,
    pause: Duration,
    most: usize,
}

/// Where a witnessed head and the proofs to it come from.
pub trait UpgradeSource {
    /// As [`WitnessClient::receipt_upgrade`].
    fn receipt_upgrade(
        &self,
        index: u64,
        first_size: u64,
    ) -> impl Future<Output = Result<Upgrade, ClientError>> + Send;

    /// As [`WitnessClient::consistency_proof`].
    fn consistency_proof(
        &self,
        first_size: u64,
        second_size: u64,
    ) -> impl Future<Output = Result<Vec<Hash>, ClientError>> + Send;
}

/// Holds receipts until they are witnessed. Clones are the same.
#[derive(Clone)]
pub struct Upgrades {
    inner: Arc<Inner>,
}

struct Inner {
    witnessing: Witnessing,
    clock: Arc<dyn Clock>,
    keeper: Mutex<Keeper>,
    wake: Notify,
    status: watch::Sender<UpgradeStatus>,
    witnessed: broadcast::Sender<Arc<Receipt>>,
}

/// How the receipts stand.
#[derive(Clone, Debug, Default)]
pub struct UpgradeStatus {
    /// Signed heads that are not witnessed yet.
    pub held: usize,
    /// Signed heads that were witnessed, since the start.
    pub witnessed: u64,
    /// How often witnesses were asked about, since the start.
    pub looks: u64,
    /// What stood in the way at the last look, when anything did.
    pub obstacle: Option<String>,
    /// The first [`ALARMS_KEPT`] alarms. They stay until the connection is dropped: a person must look.
    pub alarms: Vec<Arc<RaisedUpgrade>>,
    /// How many there were.
    pub alarms_raised: u64,
}

/// What became of one question.
enum Outcome {
    Settled(Receipt),
    /// Neither this receipt nor a newer one can become a witnessed one now.
    Later(String),
    Wrong(UpgradeAlarm, Option<String>),
}

impl Witnessing {
    /// Receipts of a log become witnessed ones under a policy, within [`WITHIN`].
    ///
    /// # Errors
    /// [`SetupError::PolicyOfOtherLog`] and [`SetupError::PolicyWithoutQuorum`]: under such a policy no receipt would ever
    /// be a witnessed one.
    pub fn new(log: LogVerifier, policy: Policy) -> Result<Self, SetupError> {
        if policy.log(log.origin()) != Some(&log) {
            return Err(SetupError::PolicyOfOtherLog);
        }
        if !policy.is_met_by(|_| true) {
            return Err(SetupError::PolicyWithoutQuorum);
        }
        Ok(Self {
            log,
            policy,
            within: WITHIN,
            pause: PAUSE,
            most: MOST_HELD,
        })
    }

    /// The same with another period.
    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// The same with another pause between looks.
    #[must_use]
    pub fn every(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// The same with another number of heads that are held, at least two.
    #[must_use]
    pub fn holding(self, most: usize) -> Self {
        Self {
            most: most.max(2),
            ..self
        }
    }

    /// The log.
    pub fn log(&self) -> &LogVerifier {
        &self.log
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl UpgradeSource for WitnessClient {
    async fn receipt_upgrade(&self, index: u64, first_size: u64) -> Result<Upgrade, ClientError> {
        Self::receipt_upgrade(self, index, first_size).await
    }

    async fn consistency_proof(&self, first_size: u64, second_size: u64) -> Result<Vec<Hash>, ClientError> {
        Self::consistency_proof(self, first_size, second_size).await
    }
}

impl Upgrades {
    /// Nothing is held yet.
    pub fn new(witnessing: Witnessing, clock: Arc<dyn Clock>) -> Self {
        let keeper = Mutex::new(Keeper::new(witnessing.most));
        let (status, _) = watch::channel(UpgradeStatus::default());
        let (witnessed, _) = broadcast::channel(RECEIPTS_WAITING);
        Self {
            inner: Arc::new(Inner {
                witnessing,
                clock,
                keeper,
                wake: Notify::new(),
                status,
                witnessed,
            }),
        }
    }

    /// Holds a receipt until it is witnessed; one that is already is not held. Says how it stands.
    ///
    /// # Errors
    /// It proves nothing under the policy.
    pub fn hold(&self, receipt: Receipt) -> Result<Standing, ReceiptError> {
        let (verified, judged) = receipt.verify_under(&self.inner.witnessing.policy)?;
        if judged.standing() == Standing::Signed {
            self.keep(Held::new(
                receipt,
                verified.checkpoint().clone(),
                self.inner.clock.now_ms(),
            ));
        }
        Ok(judged.standing())
    }

    /// Holds the receipt of an entry that was proved under the log's key.
    pub fn hold_proved(&self, entry: &ProvedEntry) {
        self.keep(Held::new(
            entry.receipt().clone(),
            entry.checkpoint().clone(),
            self.inner.clock.now_ms(),
        ));
    }

    fn keep(&self, held: Held) {
        let kept = self.keeper().keep(held);
        match kept {
            Ok(plenty) => {
                if plenty {
                    self.inner.wake.notify_one();
                }
            }
            Err(NotKept::Forked { own, other }) => {
                let size = other.checkpoint.size;
                let shown = Some(other.receipt.checkpoint);
                self.raise(UpgradeAlarm::Forked { size }, own, shown);
            }
            Err(NotKept::Full { held, refused }) => {
                self.inner.wake.notify_one();
                self.raise(UpgradeAlarm::NotHeld { held }, refused.receipt, None);
            }
        }
        self.count_held();
    }

    /// Tries once to have everything witnessed, and raises what is to be raised.
    pub async fn look(&self, source: &(impl UpgradeSource + Sync)) {
        let mut obstacle = self.let_go(source).await.err();
        let mut after = None;
        loop {
            let next = self.keeper().next_after(after);
            let Some(held) = next else { break };
            let size = held.checkpoint.size;
            after = Some(size);
            match self.upgrade(&held, source).await {
                Outcome::Settled(receipt) => {
                    self.keeper().settle(&held.checkpoint);
                    self.inner.status.send_modify(|status| status.witnessed += 1);
                    // Nobody may be listening.
                    let _ = self.inner.witnessed.send(Arc::new(receipt));
                }
                Outcome::Later(why) => {
                    obstacle.get_or_insert(why);
                    break;
                }
                Outcome::Wrong(alarm, shown) => {
                    self.keeper().settle(&held.checkpoint);
                    self.raise(alarm, held.receipt, shown);
                }
            }
            // Whoever answers slowly does not put off the alarm about the others.
            self.raise_late(obstacle.as_deref());
        }
        self.raise_late(obstacle.as_deref());
        self.count_held();
        self.inner.status.send_modify(|status| {
            status.looks += 1;
            status.obstacle = obstacle;
        });
    }

    async fn upgrade(&self, held: &Held, source: &(impl UpgradeSource + Sync)) -> Outcome {
        let size = held.checkpoint.size;
        let fetched = source.receipt_upgrade(held.receipt.index, size).await;
        let Upgrade {
            checkpoint,
            inclusion,
            consistency,
        } = match fetched {
            Ok(upgrade) => upgrade,
            Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::LogRange) => {
                return Outcome::Wrong(UpgradeAlarm::Smaller { size }, None);
            }
            Err(ClientError::Evidence(fault)) => {
                return Outcome::Wrong(UpgradeAlarm::Proof { size, fault }, None);
            }
            Err(error) => return Outcome::Later(chain(&error)),
        };
        let policy = &self.inner.witnessing.policy;
        match held
            .receipt
            .upgraded(policy, &checkpoint, inclusion, &consistency)
        {
            Ok(receipt) => Outcome::Settled(receipt),
            Err(error @ ReceiptError::NotWitnessed) => Outcome::Later(error.to_string()),
            Err(error) => Outcome::Wrong(accusation(held, &checkpoint, error), Some(checkpoint.to_text())),
        }
    }

    /// Lets heads go that another one continues, while more than half of what is held at most are held.
    async fn let_go(&self, source: &(impl UpgradeSource + Sync)) -> Result<(), String> {
        let mut after = None;
        loop {
            let next = self.keeper().next_pair_after(after);
            let Some((old, new)) = next else { return Ok(()) };
            after = Some(old.checkpoint.size);
            let (from, to) = (&old.checkpoint, &new.checkpoint);
            let proof = match source.consistency_proof(from.size, to.size).await {
                Ok(proof) => proof,
                Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::LogRange) => {
                    let size = to.size;
                    self.keeper().settle(to);
                    self.raise(UpgradeAlarm::Smaller { size }, new.receipt, None);
                    continue;
                }
                Err(error) => return Err(chain(&error)),
            };
            match verify_consistency(from.size, &from.root, to.size, &to.root, &proof) {
                Ok(()) => self.keeper().inherit(from, to),
                Err(proof) => {
                    self.keeper().settle(from);
                    let alarm = UpgradeAlarm::NotContinued {
                        old: from.size,
                        new: to.size,
                        proof,
                    };
                    self.raise(alarm, old.receipt, Some(new.receipt.checkpoint));
                }
            }
            self.raise_late(None);
        }
    }

    fn raise_late(&self, obstacle: Option<&str>) {
        let within = u64::try_from(self.inner.witnessing.within.as_millis()).unwrap_or(u64::MAX);
        let now_ms = self.inner.clock.now_ms();
        let late = self.keeper().oldest_late(now_ms, within);
        let Some(held) = late else { return };
        let alarm = UpgradeAlarm::NotWitnessed {
            size: held.checkpoint.size,
            age: Duration::from_millis(now_ms.saturating_sub(held.since_ms)),
            obstacle: obstacle.map(str::to_owned),
        };
        self.raise(alarm, held.receipt, None);
    }

    fn raise(&self, alarm: UpgradeAlarm, receipt: Receipt, shown: Option<String>) {
        tracing::error!(
            alarm = alarm.kind().name(),
            error = chain(&alarm),
            "receipts of the access log are not witnessed: a person must look"
        );
        let raised = RaisedUpgrade {
            alarm,
            receipt,
            shown,
            at_ms: self.inner.clock.now_ms(),
        };
        self.inner.status.send_modify(|status| {
            status.alarms_raised += 1;
            if status.alarms.len() < ALARMS_KEPT {
                status.alarms.push(Arc::new(raised));
            }
        });
    }

    fn count_held(&self) {
        let held = self.keeper().len();
        self.inner.status.send_if_modified(|status| {
            let changed = status.held != held;
            status.held = held;
            changed
        });
    }

    fn keeper(&self) -> MutexGuard<'_, Keeper> {
        self.inner.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the next look is due.
    pub async fn due(&self) {
        tokio::select! {
            () = self.inner.wake.notified() => {}
            () = tokio::time::sleep(self.inner.witnessing.pause) => {}
        }
    }

    /// Look now.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// How the receipts stand.
    pub fn status(&self) -> UpgradeStatus {
        self.inner.status.borrow().clone()
    }

    /// Every change of how they stand.
    pub fn watch(&self) -> watch::Receiver<UpgradeStatus> {
        self.inner.status.subscribe()
    }

    /// The receipts that become witnessed ones from now on, one for each head: for whoever keeps them. A reader that is
    /// slow loses the oldest ones and is told so.
    pub fn witnessed(&self) -> broadcast::Receiver<Arc<Receipt>> {
        self.inner.witnessed.subscribe()
    }
}

impl fmt::Debug for Upgrades {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrades")
            .field("status", &*self.inner.status.borrow())
            .finish_non_exhaustive()
    }
}
