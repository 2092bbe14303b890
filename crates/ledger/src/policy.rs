//! Policy files: which logs and witnesses (*testimoni*) somebody trusts, and how many of them must agree.
//!
//! The format is C2SP tlog-policy, so that the verifiers of others read the same file:
//!
//! ```text
//! # ponte.policy/1
//! log <verifier key> [<url>]
//! witness <name> <verifier key> [<url>]
//! group <name> all|any|<k> <name>...
//! quorum <name>|none
//! ```
//!
//! The first line states the version to us and is a comment to others; without it a file is read as version 1.
//! Names are defined before they are used, each is a member of at most one group, and a key stands once.
//! The group [`OUTSIDE`] has a meaning of its own: its witnesses are run by somebody who is not the
//! region's administration. [`Policy::lint`] warns of a quorum that can be met without them, since then whoever
//! runs the log could also run every witness.

use thiserror::Error;

use crate::checkpoint::{
    CheckpointError, CosignatureVerifier, KeyError, LogVerifier, SignedCheckpoint, VerifiedCheckpoint,
    WitnessedAt,
};
use crate::name::Origin;

mod parse;

#[cfg(test)]
mod tests;

/// Longest policy file, in bytes.
pub const POLICY_MAX_LEN: usize = 64 * 1024;

/// Most logs, most witnesses and most groups of a policy. C2SP tlog-policy recommends at least 32.
pub const MAX_POLICY_ITEMS: usize = 64;

/// Name of the group whose witnesses are outside of the region's administration.
pub const OUTSIDE: &str = "outside";

/// Whom somebody trusts about a log, and when a checkpoint counts as witnessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<LogVerifier>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name in the policy, which need not be that of its key.
    pub name: String,
    pub key: CosignatureVerifier,
}

/// What signatures prove of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The log vouches for it alone: it could show another log to others.
    Signed,
    /// The quorum of witnesses has seen it as part of one log that only grew.
    Witnessed,
}

/// A checkpoint under a policy. Only [`Policy::judge`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedCheckpoint {
    verified: VerifiedCheckpoint,
    standing: Standing,
    cosigned: Vec<(String, WitnessedAt)>,
}

/// Why a text is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    #[error("policy is longer than {POLICY_MAX_LEN} bytes")]
    TooLong,
    #[error("policy version {0} is unknown")]
    Version(String),
    #[error("policy has no quorum line")]
    NoQuorum,
    #[error("policy names no log")]
    NoLog,
    #[error("policy line {line}: {rule}")]
    Line {
        /// From 1.
        line: usize,
        rule: PolicyRule,
    },
}

/// The rule that a line of a policy breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyRule {
    #[error("contains a control character")]
    Control,
    #[error("begins with none of log, witness, group and quorum")]
    Keyword,
    #[error("has too few or too many items")]
    Items,
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("repeats a key that stands before")]
    RepeatedKey,
    #[error("repeats a name that stands before, or uses none as a name")]
    RepeatedName,
    #[error("names what is not defined before")]
    UnknownName,
    #[error("names a member that belongs to a group already")]
    RepeatedMember,
    #[error("threshold is not all, any or a number from 1 to that of the members")]
    Threshold,
    #[error("is one more than {MAX_POLICY_ITEMS} of its kind")]
    TooMany,
    #[error("is a second quorum")]
    SecondQuorum,
}

/// What a policy leaves open, though it is one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyWarning {
    #[error("the quorum is none: nobody but the log vouches for it")]
    NoQuorum,
    #[error("no group {OUTSIDE} names a witness outside of the region's administration")]
    NobodyOutside,
    #[error("the quorum can be met without any witness of the group {OUTSIDE}")]
    OutsideNotDemanded,
    #[error("witness {0} has the key of a log: it vouches for itself")]
    LogAsWitness(String),
    #[error("witness {0} of the group {OUTSIDE} bears the domain of a log")]
    OutsideBearsLogDomain(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

impl Policy {
    /// The policy of somebody who knows a log and no witness: whatever it signs is signed, nothing witnessed.
    pub fn of_log(log: LogVerifier) -> Self {
        Self {
            logs: vec![log],
            witnesses: Vec::new(),
            groups: Vec::new(),
            quorum: None,
        }
    }

    /// The policy of a log's own index: a checkpoint is witnessed when `threshold` of the witnesses have cosigned.
    /// Nothing is witnessed where there are fewer, or where `threshold` is zero.
    pub fn of_index(log: LogVerifier, witnesses: Vec<PolicyWitness>, threshold: usize) -> Self {
        let members = (0..witnesses.len()).map(Member::Witness).collect();
        let group = Group {
            name: "index".to_owned(),
            threshold,
            members,
        };
        Self {
            logs: vec![log],
            witnesses,
            groups: vec![group],
            quorum: (threshold != 0).then_some(Member::Group(0)),
        }
    }

    /// # Errors
    /// Not a policy of version 1.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        parse::parse(text)
    }

    pub fn logs(&self) -> &[LogVerifier] {
        &self.logs
    }

    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The key of a log.
    pub fn log(&self, origin: &Origin) -> Option<&LogVerifier> {
        self.logs.iter().find(|log| log.origin() == origin)
    }

    /// Whether the quorum is met when these witnesses have cosigned, by their place in [`Policy::witnesses`].
    pub fn is_met_by(&self, cosigned: impl Fn(usize) -> bool) -> bool {
        self.quorum
            .is_some_and(|quorum| self.is_witnessed(quorum, &cosigned))
    }

    /// Checks the signatures of the log and of every witness of the policy. Signatures of others are ignored.
    ///
    /// # Errors
    /// The log is none of the policy's or did not sign, or a signature under a key of the policy is wrong: one good
    /// signature does not excuse it (C2SP signed-note).
    pub fn judge(&self, signed: &SignedCheckpoint) -> Result<JudgedCheckpoint, CheckpointError> {
        let log = self
            .log(&signed.checkpoint().origin)
            .ok_or(CheckpointError::OtherLog)?;
        let verified = log.verify(signed)?;
        let mut seen = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            seen.push(match witness.key.verify(signed) {
                Ok(at) => Some(at),
                Err(CheckpointError::NotSigned) => None,
                Err(error) => return Err(error),
            });
        }
        let met = self.is_met_by(|at| seen.get(at).is_some_and(Option::is_some));
        let cosigned = self.witnesses.iter().zip(seen);
        let cosigned = cosigned.filter_map(|(witness, at)| Some((witness.name.clone(), at?)));
        Ok(JudgedCheckpoint {
            verified,
            standing: if met {
                Standing::Witnessed
            } else {
                Standing::Signed
            },
            cosigned: cosigned.collect(),
        })
    }

    /// What the policy leaves open.
    pub fn lint(&self) -> Vec<PolicyWarning> {
        let mut warnings = Vec::new();
        for witness in &self.witnesses {
            if self
                .logs
                .iter()
                .any(|log| log.public_key() == witness.key.public_key())
            {
                warnings.push(PolicyWarning::LogAsWitness(witness.name.clone()));
            }
        }
        if self.quorum.is_none() {
            warnings.push(PolicyWarning::NoQuorum);
            return warnings;
        }
        let outside = self.outside();
        if outside.is_empty() {
            warnings.push(PolicyWarning::NobodyOutside);
            return warnings;
        }
        if self.is_met_by(|at| !outside.contains(&at)) {
            warnings.push(PolicyWarning::OutsideNotDemanded);
        }
        let domains: Vec<&str> = self
            .logs
            .iter()
            .map(|log| domain(log.origin().as_str()))
            .collect();
        for witness in outside.iter().filter_map(|at| self.witnesses.get(*at)) {
            if domains.contains(&domain(witness.key.name().as_str())) {
                warnings.push(PolicyWarning::OutsideBearsLogDomain(witness.name.clone()));
            }
        }
        warnings
    }

    /// Places of the witnesses outside of the region's administration.
    fn outside(&self) -> Vec<usize> {
        let mut found = Vec::new();
        let group = self.groups.iter().position(|group| group.name == OUTSIDE);
        let mut left: Vec<Member> = group.map(Member::Group).into_iter().collect();
        let alone = self.witnesses.iter().position(|witness| witness.name == OUTSIDE);
        left.extend(alone.map(Member::Witness));
        while let Some(member) = left.pop() {
            match member {
                Member::Witness(at) => found.push(at),
                Member::Group(at) => left.extend(self.groups.get(at).iter().flat_map(|group| &group.members)),
            }
        }
        found
    }

    /// Ends, because a group names only what stands before it.
    fn is_witnessed(&self, member: Member, cosigned: &impl Fn(usize) -> bool) -> bool {
        match member {
            Member::Witness(at) => cosigned(at),
            Member::Group(at) => self.groups.get(at).is_some_and(|group| {
                let met = group
                    .members
                    .iter()
                    .filter(|member| self.is_witnessed(**member, cosigned));
                group.threshold <= met.count()
            }),
        }
    }
}

/// The last two labels of the host with which a name begins.
fn domain(name: &str) -> &str {
    let host = name.split('/').next().unwrap_or(name);
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    match (dots.next(), dots.next()) {
        (Some(_), Some(second)) => &host[second + 1..],
        (Some(_), None) | (None, _) => host,
    }
}

impl JudgedCheckpoint {
    pub fn verified(&self) -> &VerifiedCheckpoint {
        &self.verified
    }

    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Which witnesses of the policy have cosigned, by their names in it, and when.
    pub fn cosigned(&self) -> &[(String, WitnessedAt)] {
        &self.cosigned
    }
}

impl Standing {
    /// As it is shown and written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signed => "signed",
            Self::Witnessed => "witnessed",
        }
    }
}
