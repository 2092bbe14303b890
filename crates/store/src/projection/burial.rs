//! Buried cards: those of an identity that was sealed. They count among their municipality's cards and in its digest,
//! and lead nowhere, at no moment.

use registry::canonical;
use registry::identifier::{PersonId, RecordId};
use registry::linking::LinkKey;
use registry::municipality::MunicipalityId;
use registry::record::Record;
use registry::sealing;

use crate::keys::ring::NamedKey;
use crate::projection::{
    Card, CommitSequence, KeyId, Projection, ProjectionError, Replaced, RowError, VersionBody, decoded,
    open_card, published_card,
};
use crate::publication_journal::municipality_key;
use crate::publication_journal::ruling::Restored;
use crate::rows::{Burial, Kept, Lead, ROW_FORMAT, Version, current_key, superseded_key, superseded_prefix};

/// How a card stands, by its newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CardStanding {
    /// There never was one.
    Unknown,
    /// It is served, or was withdrawn from publication.
    Published(PersonId),
    /// It is buried; where the municipality's number goes on under another id, that one.
    Buried(Option<RecordId>),
}

/// When and where something is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The change.
    pub(crate) sequence: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
}

impl Projection {
    /// How a card stands after everything that was applied.
    pub(crate) fn standing_of(&self, record: RecordId) -> Result<CardStanding, ProjectionError> {
        Ok(match self.read_version(&current_key(record))? {
            None => CardStanding::Unknown,
            Some(Version {
                body: VersionBody::Buried(Burial { successor, kept: _ }),
                ..
            }) => CardStanding::Buried(successor),
            Some(version) => CardStanding::Published(version.person),
        })
    }

    /// The version of a card that held at a moment, buried or not: for the store's own accounts, never for a reader.
    pub(crate) fn held_at(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Option<Card>, ProjectionError> {
        let version = self.version_at(record, at)?;
        Ok(version.map(|version| open_card(record, &version)).transpose()?)
    }

    /// The last state of a card as its municipality published it, be it buried or withdrawn since.
    pub(crate) fn last_published(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Option<Record>, ProjectionError> {
        let Some(held) = self.held_at(record, at)? else {
            return Ok(None);
        };
        let sequence = held.sequence;
        if let Some(card) = held.into_sheltering() {
            return Ok(Some(card));
        }
        // Withdrawn: the version before the withdrawal says what it was.
        let upper = superseded_key(record, sequence.before());
        let before = self.engine.last_not_after(&superseded_prefix(record), &upper)?;
        let before = match before {
            Some((key, value)) => self.open_version(&key, &value)?,
            None => None,
        };
        let bytes = before.and_then(Version::into_card);
        Ok(bytes.as_deref().map(decoded).transpose()?)
    }

    /// The first change that made a card; `None` where there is none.
    pub(crate) fn first_sequence(&self, record: RecordId) -> Result<Option<CommitSequence>, ProjectionError> {
        let mut first = None;
        let prefix = superseded_prefix(record);
        self.engine.scan(&prefix, &mut |key, _| {
            let number = key
                .strip_prefix(prefix.as_slice())
                .and_then(|rest| rest.try_into().ok());
            first = number.map(|number| CommitSequence(u64::from_be_bytes(number)));
            false
        })?;
        match first {
            Some(first) => Ok(Some(first)),
            None => Ok(self
                .read_version(&current_key(record))?
                .map(|version| version.sequence)),
        }
    }

    /// Everything that a card said up to a moment, the oldest first, with the person to whom it was linked; what waits
    /// comes last, and what waited and was rejected or taken back is not among it. Versions that say the same are there
    /// as often as they were written.
    pub(crate) fn every_word(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Vec<(PersonId, Record)>, ProjectionError> {
        let mut words = self.served_versions(record)?;
        words.retain(|version| version.sequence <= at);
        words.extend(self.waiting_up_to(record, at)?);
        let mut said = Vec::with_capacity(words.len());
        for version in words {
            said.extend(published_card(&version)?.map(|card| (version.person, card)));
        }
        Ok(said)
    }

    /// The keys of the identity of a card: those that it bears, and those that it ever bore and that no card bears now
    /// which is shown.
    pub(crate) fn keys_of_identity(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Vec<LinkKey>, ProjectionError> {
        let last = self.last_published(record, at)?;
        let mut keys = last.iter().flat_map(sealing::identity_keys).collect::<Vec<_>>();
        let words = self.every_word(record, at)?;
        for key in words.iter().flat_map(|(_, card)| sealing::identity_keys(card)) {
            if keys.contains(&key) {
                continue;
            }
            let bearers = self.cards_of(self.lead_of(&key), at)?;
            if bearers.iter().all(|bearer| *bearer == record) {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Which of these keys are known as those of a buried identity.
    pub(crate) fn buried_keys(
        &self,
        keys: Vec<LinkKey>,
        at: CommitSequence,
    ) -> Result<Vec<LinkKey>, ProjectionError> {
        let mut buried = Vec::new();
        for key in keys {
            if !self.cards_of(self.burial_lead(&key), at)?.is_empty() {
                buried.push(key);
            }
        }
        Ok(buried)
    }

    /// The change that brought what a card holds at a moment: a version that only gave the card another person,
    /// or the protection of what waits, is passed over. The moment itself where there is no card.
    pub(crate) fn sent_at(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<CommitSequence, ProjectionError> {
        let Some(mut version) = self.version_at(record, at)? else {
            return Ok(at);
        };
        while let Some(earlier) = self.version_at(record, version.sequence.before())? {
            let same = earlier.body == version.body || self.came_beside(record, version.sequence)?;
            if earlier.sequence == version.sequence || earlier.restored != version.restored || !same {
                break;
            }
            version = earlier;
        }
        Ok(version.sequence)
    }

    /// What the municipality said last of a card at a moment: versions that stand in the place of one that is not
    /// trusted are passed over.
    pub(crate) fn last_word(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Option<Version>, ProjectionError> {
        let mut version = self.version_at(record, at)?;
        while let Some(restored) = version.take_if(|version| version.restored == Restored::Yes) {
            version = self.version_at(record, restored.sequence.before())?;
        }
        Ok(version)
    }

    /// Whether an earlier version of a card would show an identity that was buried since. What the card bears today is
    /// no sign of it: it was told apart when the other was buried.
    pub(crate) fn shows_buried(&self, record: RecordId, version: &Version) -> Result<bool, ProjectionError> {
        let Some(card) = published_card(version)? else {
            return Ok(false);
        };
        let first = RecordId(version.person.0);
        if first != record && matches!(self.standing_of(first)?, CardStanding::Buried(_)) {
            return Ok(true);
        }
        let now = self.visible();
        let mut shared = self.buried_keys(sealing::identity_keys(&card), now)?;
        if let Some(shown) = self.card_at(record, now)?.and_then(|card| card.record) {
            let borne = sealing::identity_keys(&shown);
            shared.retain(|key| !borne.contains(key));
        }
        Ok(sealing::belongs_to_buried(&card, &shared))
    }

    /// Gives a card of the same content another person.
    pub(crate) fn relink(
        &self,
        moment: Moment,
        record: RecordId,
        person: PersonId,
    ) -> Result<(), ProjectionError> {
        let Moment {
            sequence,
            recorded_ms,
        } = moment;
        let (Some(before), Some(key)) = (
            self.version_at(record, sequence.before())?,
            self.key_under(record)?,
        ) else {
            // Its municipality was withdrawn, and with it the card.
            return Ok(());
        };
        let version = Version {
            sequence,
            recorded_ms,
            person,
            restored: before.restored,
            body: before.body,
        };
        self.put(&key, record, &version).map(drop)
    }

    /// Buries a card as it stands. `spared` are keys that are those of the new identity as well.
    pub(crate) fn bury(
        &self,
        moment: Moment,
        record: RecordId,
        spared: &[LinkKey],
    ) -> Result<(), ProjectionError> {
        let Some(key) = self.key_under(record)? else {
            return Ok(());
        };
        let before = self.version_at(record, moment.sequence.before())?;
        if before.is_some_and(|before| before.is_sheltering()) {
            // Nothing of the identity is left on it, and whom it shelters it goes on sheltering.
            return Ok(());
        }
        // What waits of it goes on waiting: that is its own municipality's affair.
        let version = self.burial(moment, record, None, spared)?;
        self.put(&key, record, &version).map(drop)
    }

    /// Buries the card of a municipality's own number, which goes on under another id.
    pub(crate) fn bury_for(
        &self,
        moment: Moment,
        municipality: MunicipalityId,
        record: RecordId,
        successor: RecordId,
        spared: &[LinkKey],
    ) -> Result<Replaced, ProjectionError> {
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        let version = self.burial(moment, record, Some(successor), spared)?;
        self.receive(&key, record, &version)
    }

    /// The version that buries a card; by what the card is known as one of a buried identity is noted.
    fn burial(
        &self,
        moment: Moment,
        record: RecordId,
        successor: Option<RecordId>,
        spared: &[LinkKey],
    ) -> Result<Version, ProjectionError> {
        let before = self.version_at(record, moment.sequence.before())?;
        let person = before.as_ref().map_or(PersonId(record.0), |before| before.person);
        for known in self.keys_of_identity(record, moment.sequence.before())? {
            if !spared.contains(&known) {
                let lead = self.burial_lead(&known);
                self.edit_spans(&lead.key(record), |spans| spans.enter(moment.sequence))?;
            }
        }
        let kept = match (successor, before.map(|before| before.body)) {
            (None, Some(VersionBody::Card(bytes))) => Kept::Card(bytes),
            (None, Some(VersionBody::Buried(burial))) => burial.kept,
            (None, Some(VersionBody::Sheltering(bytes))) => Kept::Shelter(bytes),
            (None, Some(VersionBody::Removed | VersionBody::Settled) | None) | (Some(_), _) => Kept::Nothing,
        };
        Ok(Version {
            sequence: moment.sequence,
            recorded_ms: moment.recorded_ms,
            person,
            restored: Restored::No,
            body: VersionBody::Buried(Burial { successor, kept }),
        })
    }

    /// A later version of a buried card: kept, and shown to nobody.
    pub(crate) fn keep_buried(
        &self,
        moment: Moment,
        municipality: MunicipalityId,
        record: RecordId,
        card: Option<&Record>,
    ) -> Result<Replaced, ProjectionError> {
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        let before = self.version_at(record, moment.sequence.before())?;
        self.receive(
            &key,
            record,
            &Version {
                sequence: moment.sequence,
                recorded_ms: moment.recorded_ms,
                person: before.map_or(PersonId(record.0), |before| before.person),
                restored: Restored::No,
                body: VersionBody::Buried(Burial {
                    successor: None,
                    kept: card.map_or(Kept::Nothing, |card| Kept::Card(canonical::encode(card))),
                }),
            },
        )
    }

    /// A national id that the new identity bears is that identity's from now on, and no longer a mark of the old one.
    pub(crate) fn release_national_id(&self, moment: Moment, card: &Record) -> Result<(), ProjectionError> {
        let Some(id) = card.national_id else {
            return Ok(());
        };
        let lead = self.burial_lead(&LinkKey::NationalId(id));
        for record in self.cards_of(lead, moment.sequence.before())? {
            self.edit_spans(&lead.key(record), |spans| spans.leave(moment.sequence))?;
        }
        Ok(())
    }

    fn burial_lead(&self, key: &LinkKey) -> Lead {
        match self.lead_of(key) {
            Lead::Identifier(token) => Lead::Buried(token),
            other => other,
        }
    }

    /// The key that seals a card's newest version; `None` where there is no version or the key was destroyed.
    fn key_under(&self, record: RecordId) -> Result<Option<NamedKey>, ProjectionError> {
        let Some(value) = self.engine.get(&current_key(record))? else {
            return Ok(None);
        };
        match value.split_first() {
            Some((&ROW_FORMAT, rest)) => {
                let (id, _) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
                Ok(self.keys.by_id(KeyId::from_bytes(*id)))
            }
            Some(_) => Err(RowError::Format.into()),
            None => Err(RowError::Malformed.into()),
        }
    }
}
