//! Canonical bytes of a record: one record, one encoding, on every machine and in every version of the program.
//!
//! They are what digests and content hashes are computed over, and what the index and the node store. They do not
//! depend on protobuf, which promises no canonical form.
//!
//! # Layout
//!
//! A card without measures is written in version 1, one with measures in version 2, which adds tags 61 and 62 and
//! changes nothing else: so digests and content hashes of cards without measures are what they always were.
//!
//! ```text
//! record   := (%x01 | %x02) field*              version, then fields in ascending order of tag
//! field    := tag length value                 tag: 1 byte; length: varint, of value in bytes
//! varint   := unsigned LEB128, shortest form, at most 10 bytes
//! text     := varint bytes                     length in bytes, then UTF-8
//! date     := 4 bytes                          days since 31 December of year 0 (1 = 0001-01-01), signed, big endian
//! partial  := year month day                   2 bytes big endian, 1 byte, 1 byte; 0 = unknown
//! istat    := 6 ASCII digits        state := 3 ASCII digits
//! x?       := %x00 | %x01 x                    absent or present
//! flag     := %x00 | %x01
//! locality := %x00 istat | %x01 state
//! ```
//!
//! | Tag | Field | Value | Occurs |
//! |---|---|---|---|
//! | 01 | municipality | istat | 1 |
//! | 02 | local id | its characters | 1 |
//! | 03 | register | 00 APR, 01 AIRE | 1 |
//! | 10 | surname | its characters | 0-1 |
//! | 11 | given name | its characters | 0-1 |
//! | 12 | sex | 00 male, 01 female, 02 unknown | 1 |
//! | 13 | birth date | partial | 1 |
//! | 14 | birth place | 00 istat? text(name) text(province), 01 state text(locality), 02 text(place) | 1 |
//! | 20 | codice fiscale | text, flag(validated), date?(from) | any, in the order of the card |
//! | 21 | national id | its characters | 0-1 |
//! | 30 | civil status | date?(from), text(code of table 1) | any, ascending by start |
//! | 31 | citizenships | date?(from), state* | any, ascending by start |
//! | 32 | parent | 00 father, 01 mother; text?(surname) text?(given name) text?(codice fiscale) | any, in the order of the card |
//! | 33 | residence | date?(from), text(code of table 25), flag(provisional), place | any, ascending by start |
//! | 34 | household | date?(from), text(number), 00 family or 01 convivenza, text(code of table 5 or 6) | any, ascending by start |
//! | 40 | identity card | text(number), istat(issuer), date(issued), date(expires) | 0-1 |
//! | 50 | registration | text(code of table 7 or 19), date?(effective), locality?(origin) | 1 |
//! | 51 | cancellation | 00 APR or 01 AIRE, text(code of table 15 or 28), date(effective), locality?(destination) | 0-1 |
//! | 52 | death | date, locality?(place) | 0-1 |
//! | 60 | flags | 1 byte: bit 0 protected, bit 1 procedure open, bit 2 not certifiable; never 00 | 0-1 |
//! | 61 | protection | 1 byte: basis; date(from), date?(until) | 0-1, version 2 |
//! | 62 | identity seal | 1 byte: basis; date(from), 00 new identity awaited or 01 present | 0-1, version 2 |
//!
//! ```text
//! place    := %x00 istat text(postcode) text(hamlet) varint(species, table 4) text(street) text(street code)
//!                  number text(suffix) text(staircase) text(unit)
//!           | %x01 state text(locality) text(line)
//!           | %x02 istat                       no fixed abode
//! number   := %x00 | %x01 varint               %x00: no number (SNC)
//! ```
//!
//! Tags are hexadecimal. A start that is not known comes before every date. Anything else is refused: another order,
//! a tag twice where one is admitted, a longer varint, a value outside its type, a byte after the last field,
//! version 2 without a measure or version 1 with one.

pub(crate) mod bytes;
mod read;
mod write;

pub use self::read::{CanonicalError, decode};
pub use self::write::encode;

/// The latest version this program writes.
pub const CANONICAL_VERSION: u8 = 2;

/// The version of cards without measures.
const WITHOUT_MEASURES: u8 = 1;

/// Tags of the fields.
mod tag {
    pub(super) const MUNICIPALITY: u8 = 0x01;
    pub(super) const LOCAL_ID: u8 = 0x02;
    pub(super) const REGISTER: u8 = 0x03;
    pub(super) const SURNAME: u8 = 0x10;
    pub(super) const GIVEN_NAME: u8 = 0x11;
    pub(super) const SEX: u8 = 0x12;
    pub(super) const BIRTH_DATE: u8 = 0x13;
    pub(super) const BIRTH_PLACE: u8 = 0x14;
    pub(super) const TAX_CODE: u8 = 0x20;
    pub(super) const NATIONAL_ID: u8 = 0x21;
    pub(super) const CIVIL_STATUS: u8 = 0x30;
    pub(super) const CITIZENSHIPS: u8 = 0x31;
    pub(super) const PARENT: u8 = 0x32;
    pub(super) const RESIDENCE: u8 = 0x33;
    pub(super) const HOUSEHOLD: u8 = 0x34;
    pub(super) const IDENTITY_DOCUMENT: u8 = 0x40;
    pub(super) const REGISTRATION: u8 = 0x50;
    pub(super) const CANCELLATION: u8 = 0x51;
    pub(super) const DEATH: u8 = 0x52;
    pub(super) const FLAGS: u8 = 0x60;
    pub(super) const PROTECTION: u8 = 0x61;
    pub(super) const IDENTITY_SEAL: u8 = 0x62;

    /// Whether version 2 brought the field.
    pub(super) fn is_measure(tag: u8) -> bool {
        matches!(tag, PROTECTION | IDENTITY_SEAL)
    }

    /// Whether the field may occur more than once.
    pub(super) fn repeats(tag: u8) -> bool {
        matches!(
            tag,
            TAX_CODE | CIVIL_STATUS | CITIZENSHIPS | PARENT | RESIDENCE | HOUSEHOLD
        )
    }
}

#[cfg(test)]
mod tests;
