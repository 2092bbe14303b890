//! From an answer and what its entry will say to bytes that the writer only has to place.
//!
//! Committing to parts and sealing them is most of the work of an entry; it is done on the caller's task.

use std::fmt::{self, Debug};

use ledger::{
    frame::{self, SealedPart},
    hash::Hash,
    header::{EntryKind, HEADER_MAX_LEN, HeaderBody, HeaderDraft, HeaderError},
    part::{PartKind, PartOpening, PartsError, PartsTree, Salt, commitment},
};
use zeroize::Zeroizing;

use crate::{
    access_log::{
        part_content::{ContentError, PartContent},
        postings::Posting,
        retention::{self, Month, Retention},
    },
    keys::{
        Entropy, KeyId,
        ring::{KeyRing, RingError},
    },
};

const NONCE: usize = 12;

/// What an entry will say: a header without place and time, and parts not yet sealed.
#[derive(Clone)]
pub struct EntryDraft {
    /// The header; its `parts_root` is computed when the entry is sealed and is ignored here.
    pub header: HeaderBody,
    parts: Vec<(PartKind, Zeroizing<Vec<u8>>)>,
    retention: Retention,
    read_at: Option<u64>,
}

/// An answer that nobody has seen, with the entry that must be durable first.
///
/// Content goes in by [`Sealed::new`] and comes out by
/// [`AccessLog::commit`](crate::access_log::AccessLog::commit); there is no other way.
#[must_use = "an answer that is not committed is neither logged nor given"]
pub struct Sealed<T> {
    content: T,
    draft: EntryDraft,
}

/// Why an entry cannot be written as drafted. The answer is not given.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The header breaks a rule.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// Too many parts.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// A part's content is too long for its encoding.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// Two parts are of the same kind.
    #[error("an entry has two parts of the same kind")]
    Repeated,
    /// The entry is longer than a batch may be.
    #[error("an entry of {len} bytes is longer than {max}")]
    TooLong {
        /// Bytes of the entry.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// A municipality's identity cannot be part of a key's name.
    #[error("a part's municipality cannot name a key")]
    Municipality,
    /// The key for a part cannot be had.
    #[error(transparent)]
    Key(#[from] RingError),
}

impl EntryDraft {
    /// A draft of this kind, everything optional absent, without parts.
    #[must_use]
    pub fn new(kind: EntryKind, retention: Retention) -> Self {
        Self {
            header: HeaderBody::new(kind, Hash::EMPTY_TREE),
            parts: Vec::new(),
            retention,
            read_at: None,
        }
    }

    /// Notes the state of the registry that was read, as commit sequence. The entry says it in its decision part.
    #[must_use]
    pub fn having_read(self, commit_sequence: u64) -> Self {
        Self {
            read_at: Some(commit_sequence),
            ..self
        }
    }

    /// Adds a part with encoded content. Each kind may be added once.
    #[must_use]
    pub fn with_bytes(mut self, kind: PartKind, content: Vec<u8>) -> Self {
        self.parts.push((kind, Zeroizing::new(content)));
        self
    }

    /// Adds a part.
    ///
    /// # Errors
    /// The content does not fit its encoding.
    pub fn with<C: PartContent>(self, kind: PartKind, content: &C) -> Result<Self, ContentError> {
        let content = content.encode()?;
        Ok(self.with_bytes(kind, content))
    }
}

impl Debug for EntryDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryDraft({}, {} parts)", self.header.kind, self.parts.len())
    }
}

impl<T> Sealed<T> {
    /// Seals an answer together with its entry.
    pub fn new(content: T, draft: EntryDraft) -> Self {
        Self { content, draft }
    }

    /// Changes the entry before it is committed, for what is known only after the read (counters, repeats).
    pub fn amend(&mut self, change: impl FnOnce(&mut EntryDraft)) {
        change(&mut self.draft);
    }

    /// The state of the registry that was read, as commit sequence; `None` where none was.
    pub fn read_at(&self) -> Option<u64> {
        self.draft.read_at
    }

    pub(super) fn into_pieces(self) -> (T, EntryDraft) {
        let Self { content, draft } = self;
        (content, draft)
    }
}

impl<T> Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

/// An entry that lacks only its place and time.
#[derive(Debug)]
pub(super) struct SealedEntry {
    pub(super) header: HeaderDraft,
    pub(super) posting: Posting,
    parts: Vec<OwnedPart>,
    /// Bytes that it adds to a frame, at most.
    pub(super) len: usize,
}

#[derive(Debug)]
struct OwnedPart {
    key_id: KeyId,
    position: u16,
    ciphertext: Vec<u8>,
}

impl SealedEntry {
    pub(super) fn parts(&self) -> impl ExactSizeIterator<Item = SealedPart<'_>> + Clone {
        self.parts.iter().map(|part| SealedPart {
            key_id: *part.key_id.as_bytes(),
            position: part.position,
            ciphertext: &part.ciphertext,
        })
    }
}

/// Commits to the parts, seals them and encodes the header.
pub(super) fn seal(
    draft: EntryDraft,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    now_ms: u64,
    max_len: usize,
) -> Result<SealedEntry, DraftError> {
    let EntryDraft {
        header: mut body,
        parts,
        retention,
        read_at: _,
    } = draft;
    let mut kinds: Vec<&PartKind> = parts.iter().map(|(kind, _)| kind).collect();
    kinds.sort_unstable();
    if kinds.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(DraftError::Repeated);
    }
    let municipalities = kinds
        .into_iter()
        .filter_map(|kind| match kind {
            PartKind::Subjects(municipality) => Some(municipality.as_str().to_owned()),
            PartKind::Operator
            | PartKind::Criteria
            | PartKind::Decision
            | PartKind::AgreementBytes
            | PartKind::AdministrativeDetail
            | PartKind::PreviousCheckpoint => None,
        })
        .collect();
    let for_tree = PartsTree::random_len(parts.len())?;
    let mut random = Zeroizing::new(vec![0; for_tree + parts.len() * (Salt::LEN + NONCE)]);
    entropy.fill(&mut random);
    let (for_tree, rest) = random.split_at(for_tree);
    let (salts, nonces) = rest.split_at(parts.len() * Salt::LEN);
    let salts: Vec<Salt> = salts.as_chunks().0.iter().copied().map(Salt::new).collect();
    let commitments: Vec<Hash> = parts
        .iter()
        .zip(&salts)
        .map(|((kind, content), salt)| commitment(kind, salt, content))
        .collect();
    let tree = PartsTree::build(&commitments, for_tree)?;
    body.parts_root = tree.root();

    let month = Month::of(now_ms);
    let mut sealed = Vec::with_capacity(parts.len());
    let nonces = nonces.as_chunks::<NONCE>().0;
    for (number, (((kind, mut content), salt), nonce)) in parts.into_iter().zip(salts).zip(nonces).enumerate()
    {
        let name = retention::key_name(&kind, retention, month).map_err(|_| DraftError::Municipality)?;
        let key = ring.get_or_create(&name)?;
        let proof = tree.proof(number).expect("one proof for each commitment given");
        let position = proof.index;
        let opening = PartOpening {
            kind,
            salt,
            proof,
            content: std::mem::take(&mut *content),
        };
        let plaintext = Zeroizing::new(opening.encode().expect("the path is that of a parts tree"));
        drop(Zeroizing::new(opening.content));
        sealed.push(OwnedPart {
            key_id: key.id,
            position,
            ciphertext: key
                .key
                .seal_random(*nonce, &associated(&body.parts_root, position), &plaintext),
        });
    }
    let header = body.draft()?;
    let len = frame::entry_len(HEADER_MAX_LEN, sealed.iter().map(|part| part.ciphertext.len()));
    if max_len < len {
        return Err(DraftError::TooLong { len, max: max_len });
    }
    Ok(SealedEntry {
        header,
        posting: Posting::of_new(body, municipalities),
        parts: sealed,
        len,
    })
}

/// Associated data of a sealed part: it opens only in its own entry and place.
pub(super) fn associated(parts_root: &Hash, position: u16) -> Vec<u8> {
    [
        b"ponte log part v1".as_slice(),
        parts_root.as_ref(),
        &position.to_be_bytes(),
    ]
    .concat()
}
