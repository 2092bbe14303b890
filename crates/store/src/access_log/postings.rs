//! Which entries belong to whom, in memory: a projection of the log, rebuilt at every start.

use std::collections::{BTreeSet, HashMap, VecDeque};

use ledger::header::{EntryKind, HeaderBody, RequestId};

use crate::{
    access_log::retention::subjects_municipality,
    keys::{KeyId, ring::KeyRing},
};

/// How long a request id is remembered, in milliseconds: one day.
const REQUEST_MEMORY_MS: u64 = 24 * 60 * 60 * 1000;

/// What of an entry leads to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Posting {
    kind: EntryKind,
    peer: Option<String>,
    request: Option<RequestId>,
    /// Municipalities that have a part in it.
    municipalities: Vec<String>,
}

impl Posting {
    /// Of an entry that is about to be written; `municipalities` are those of its parts.
    pub(super) fn of_new(body: HeaderBody, municipalities: Vec<String>) -> Self {
        Self {
            kind: body.kind,
            peer: body.peer,
            request: body.request_id,
            municipalities,
        }
    }

    /// Of an entry that is in the log. The names of destroyed keys stay in the ring, so that erased parts still count.
    pub(super) fn of_stored(body: &HeaderBody, ring: &KeyRing, key_ids: impl Iterator<Item = KeyId>) -> Self {
        let municipalities = key_ids
            .filter_map(|key_id| ring.name_of(key_id))
            .filter_map(|name| subjects_municipality(&name).map(str::to_owned))
            .collect();
        Self {
            kind: body.kind,
            peer: body.peer.clone(),
            request: body.request_id,
            municipalities,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Postings {
    by_peer: HashMap<String, Vec<u64>>,
    by_municipality: HashMap<String, Vec<u64>>,
    by_request: HashMap<RequestId, Vec<u64>>,
    governing_acts: Vec<u64>,
    configurations: Vec<u64>,
    oversight_acts: Vec<u64>,
    opening_acts: Vec<u64>,
    /// Request ids by time, oldest first.
    requests: VecDeque<(u64, RequestId)>,
}

impl Postings {
    /// Adds an entry; entries come in the order of their indices.
    pub(super) fn add(&mut self, index: u64, time_ms: u64, posting: &Posting) {
        let Posting {
            kind,
            peer,
            request,
            municipalities,
        } = posting;
        if matches!(
            kind,
            EntryKind::AgreementActivated | EntryKind::AgreementRevoked | EntryKind::ScopeChanged
        ) {
            self.governing_acts.push(index);
        }
        if matches!(kind, EntryKind::ServiceStarted | EntryKind::ConfigurationChanged) {
            self.configurations.push(index);
        }
        if matches!(
            kind,
            EntryKind::AlertRaised
                | EntryKind::ConfigurationChanged
                | EntryKind::SampleDrawn
                | EntryKind::SampleJustified
                | EntryKind::SampleJudged
        ) {
            self.oversight_acts.push(index);
        }
        if matches!(kind, EntryKind::OpeningRequested | EntryKind::OpeningConfirmed) {
            self.opening_acts.push(index);
        }
        if let Some(peer) = peer {
            push(&mut self.by_peer, peer, index);
        }
        for municipality in municipalities {
            push(&mut self.by_municipality, municipality, index);
        }
        if let Some(request) = request {
            self.by_request.entry(*request).or_default().push(index);
            self.requests.push_back((time_ms, *request));
        }
        self.forget(time_ms.saturating_sub(REQUEST_MEMORY_MS));
    }

    pub(super) fn of_peer(&self, peer: &str) -> &[u64] {
        self.by_peer.get(peer).map_or(&[], Vec::as_slice)
    }

    /// Entries with subjects of any of these municipalities, ascending, each once.
    pub(super) fn of_municipalities(&self, municipalities: &BTreeSet<String>) -> Vec<u64> {
        let lists = municipalities
            .iter()
            .filter_map(|id| self.by_municipality.get(id));
        let mut indices: Vec<u64> = lists.flatten().copied().collect();
        if 1 < municipalities.len() {
            indices.sort_unstable();
            indices.dedup();
        }
        indices
    }

    pub(super) fn governing_acts(&self) -> &[u64] {
        &self.governing_acts
    }

    pub(super) fn configurations(&self) -> &[u64] {
        &self.configurations
    }

    pub(super) fn oversight_acts(&self) -> &[u64] {
        &self.oversight_acts
    }

    pub(super) fn opening_acts(&self) -> &[u64] {
        &self.opening_acts
    }

    pub(super) fn of_request(&self, request: RequestId) -> &[u64] {
        self.by_request.get(&request).map_or(&[], Vec::as_slice)
    }

    fn forget(&mut self, before_ms: u64) {
        while let Some((_, request)) = self.requests.pop_front_if(|(time, _)| *time < before_ms) {
            if let Some(indices) = self.by_request.get_mut(&request) {
                // The oldest index of the id is the one that came with the oldest time.
                indices.remove(0);
                if indices.is_empty() {
                    self.by_request.remove(&request);
                }
            }
        }
    }
}

fn push(lists: &mut HashMap<String, Vec<u64>>, name: &str, index: u64) {
    match lists.get_mut(name) {
        Some(list) if list.last() == Some(&index) => {}
        Some(list) => list.push(index),
        None => {
            lists.insert(name.to_owned(), vec![index]);
        }
    }
}
