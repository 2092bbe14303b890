//! Every answer that is not data: the one table of reasons a caller can meet.
//!
//! A reason carries its gRPC code, the ANPR code of the same meaning where there is one, the exit code of the
//! command line, and its text for people; beside it stand who meets it, who can mend it and whether to try again.
//! Nothing of the request goes into a text: details travel beside it. [`catalogue`] is all of it as a page.

mod table;
mod remedy;
mod document;

use std::fmt;

pub use self::document::catalogue;
pub use self::remedy::{Audience, Mender, Retry};
pub use self::table::Reason;

/// gRPC status codes, by number, so that this crate needs no gRPC library.
///
/// <https://grpc.io/docs/guides/status-codes/>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum GrpcCode {
    /// The caller's request is wrong whatever the state of the index.
    InvalidArgument = 3,
    /// The deadline passed.
    DeadlineExceeded = 4,
    /// Nothing to show.
    NotFound = 5,
    /// The thing is already there, and different.
    AlreadyExists = 6,
    /// The caller may not.
    PermissionDenied = 7,
    /// A quota or a limit is used up.
    ResourceExhausted = 8,
    /// The request does not fit the state.
    FailedPrecondition = 9,
    /// Another writer was there first.
    Aborted = 10,
    /// Past the end.
    OutOfRange = 11,
    /// No such method.
    Unimplemented = 12,
    /// A fault of the index.
    Internal = 13,
    /// Try again later.
    Unavailable = 14,
    /// The caller is not identified.
    Unauthenticated = 16,
}

/// Exit codes of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Ok = 0,
    /// The answer is no.
    NegativeAnswer = 1,
    /// The command or its data are wrong.
    Usage = 2,
    /// Nothing to show.
    NotFound = 3,
    /// Denied.
    Denied = 4,
    /// Not available now, or only in part.
    Unavailable = 5,
    /// In conflict with the present state.
    Conflict = 6,
    /// A fault of Ponte.
    Internal = 70,
}

impl GrpcCode {
    /// The number.
    pub const fn number(self) -> i32 {
        self as i32
    }
}

impl ExitCode {
    /// The number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
