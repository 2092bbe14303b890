//! The mathematics of the access log (*registro degli accessi*): entries, parts, tree, proofs, checkpoints
//! and receipts, with their byte formats.
//!
//! The crate does no input or output, reads no clock and draws no random bytes: times, keys and randomness
//! are parameters. It opens nothing that is sealed. What it makes can be verified by anybody who knows this
//! page and the log's public key; `vectors/` beside the source has known answers for every format, and all
//! future versions of the crate must read them.
//!
//! # Conventions
//!
//! `‖` is concatenation; integers are big-endian; `H` is SHA-256.
//! A *record* is a sequence of fields, each tag (u16), length (u16), value; tags strictly increase, unknown
//! tags are refused, so that a record has exactly one encoding ([`encoding`]).
//!
//! # Hashes and tree ([`mod@hash`], [`tree`], [`tile`])
//!
//! | What | Value |
//! |---|---|
//! | leaf | H(0x00 ‖ data) |
//! | inner node | H(0x01 ‖ left ‖ right) |
//! | empty tree | H(empty) |
//! | tree, inclusion and consistency proofs | RFC 6962 §2.1 |
//! | stored hashes | levels 0, 8, 16, … as C2SP tlog-tiles |
//!
//! # Header ([`header`])
//!
//! A record of at most 1,024 bytes; its bytes as stored are the leaf's data. Texts are UTF-8 of 1 to 200
//! bytes without control characters; the outcome's reason may be empty, the origin has at most 80 bytes and
//! neither spaces nor plus signs. The fields from tag 5 on take at most 916 bytes together, so that every
//! origin fits.
//!
//! | Tag | Field | Value | Presence |
//! |---|---|---|---|
//! | 1 | format version | u16, 1 | always |
//! | 2 | kind | u16, [`header::EntryKind`] | always |
//! | 3 | origin | text | always |
//! | 4 | time | u64, Unix milliseconds | always |
//! | 5 | peer | text, SPIFFE URI | optional |
//! | 6 | certificate fingerprint | 32 bytes, H(DER) | optional |
//! | 7 | address | text | optional |
//! | 8 | agreement | text | optional |
//! | 9 | agreement version | 32 bytes | optional |
//! | 10 | purpose | text | optional |
//! | 11 | service | text, `package.Service/Method` | optional |
//! | 12 | request id | 16 bytes | optional |
//! | 13 | trace id | 16 bytes | optional |
//! | 14 | outcome code | u16, gRPC status code | always |
//! | 15 | outcome reason | text | always |
//! | 16 | granted fields | each name as length (u8) ‖ text, sorted by bytes, no repetition | always |
//! | 17 | repeat of | u64, index of the first entry with the request id | optional |
//! | 18 | parts root | 32 bytes | always |
//!
//! # Parts ([`part`])
//!
//! | What | Value |
//! |---|---|
//! | kind | number (u16) ‖ length of label (u8) ‖ label; only `Subjects` has one, the municipality |
//! | commitment | H(0x00 ‖ salt (32) ‖ kind ‖ content) |
//! | parts root | RFC 6962 root of 2ⁿ leaves, at least 8, at most 1,024: commitments and random bytes |
//! | opening, sealed by the store | version (u8, 1) ‖ leaf position (u16) ‖ number of hashes (u8) ‖ path ‖ salt ‖ kind ‖ content |
//!
//! # Checkpoint ([`checkpoint`])
//!
//! C2SP tlog-checkpoint without extension lines in a C2SP signed-note, at most 16 KiB and 64 signatures. The
//! log's key name is its origin, its signature type 0x01; witnesses cosign with type 0x04.
//!
//! # Receipts ([`receipt`])
//!
//! | Tag | Field of the full receipt | Value |
//! |---|---|---|
//! | 1 | format version | u16, 1 |
//! | 2 | index | u64 |
//! | 3 | header | bytes as stored |
//! | 4 | inclusion path | up to 63 hashes, leaf to root |
//! | 5 | signed checkpoint | its text |
//!
//! It is valid if the checkpoint is signed by the log's key, the leaf hash of the header is included at the
//! index, and header and checkpoint name the same origin. The short receipt is 72 bytes:
//! `PRS` 0x01 ‖ index (u64) ‖ leaf hash ‖ first 28 bytes of H(origin).
//!
//! # Policy ([`policy`]) and witness ([`witness`])
//!
//! A policy is C2SP tlog-policy with `# ponte.policy/1` as its first line. What a witness remembers is
//! `ponte.witness/1`, a line feed and the signed checkpoint.
//!
//! # Report ([`report`])
//!
//! The accesses to one person, for that person: a statement signed by the log's key under the name `<origin>/report`
//! over the digest of the lines. Statement, lines and what they prove are specified in the module.
//!
//! # Frame ([`frame`])
//!
//! How entries lie in a segment file; the table is in the module.

pub mod hash;

pub mod encoding;

pub mod name;

pub mod header;

pub mod part;

pub mod tree;

pub mod tile;

pub mod checkpoint;

pub mod policy;

pub mod witness;

pub mod sample;

pub mod receipt;

pub mod report;

pub mod frame;
