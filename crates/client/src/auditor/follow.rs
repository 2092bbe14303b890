//! Following the log: a stream that is opened again where it broke.

use ledger::name::Origin;
use tonic::Streaming;
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::auditor::{AccessEntry, AccessFilter, ReadingContext, origin};
use crate::connection::Connection;
use crate::convert::required;
use crate::error::ClientError;

/// A reader of the log as it grows.
#[derive(Debug)]
pub struct Follower {
    connection: Connection,
    context: ReadingContext,
    filter: AccessFilter,
    log: Option<Origin>,
    next: Option<u64>,
    stream: Option<Streaming<proto::FollowAccessesResponse>>,
    failed: u32,
}

/// What a follower hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// An entry.
    Entry(Box<AccessEntry>),
    /// Everything before this index has been handed out, or lies outside scope and filter.
    Progress(u64),
}

impl Follower {
    pub(super) fn new(
        connection: Connection,
        context: ReadingContext,
        filter: AccessFilter,
        start: Option<u64>,
    ) -> Self {
        Self {
            connection,
            context,
            filter,
            log: None,
            next: start,
            stream: None,
            failed: 0,
        }
    }

    /// Index with which to go on; nothing before the first answer, unless a start was given.
    pub fn next_index(&self) -> Option<u64> {
        self.next
    }

    /// The next entry or progress. Waits as long as nothing happens. A stream that broke is opened again, up to as
    /// many times in a row as the connection's timing allows; afterwards the call may be made again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn next(&mut self) -> Result<Followed, ClientError> {
        loop {
            match self.receive().await {
                Ok(item) => {
                    self.failed = 0;
                    return self.take(item);
                }
                Err(error) => {
                    self.stream = None;
                    self.failed += 1;
                    let timing = self.connection.timing();
                    if !error.is_unavailable() || timing.attempts <= self.failed {
                        self.failed = 0;
                        return Err(error);
                    }
                    let wait = timing
                        .backoff
                        .wait_after(self.failed, self.connection.random().as_ref());
                    tokio::time::sleep(error.retry_after().unwrap_or(wait)).await;
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<proto::follow_accesses_response::Item, ClientError> {
        if self.stream.is_none() {
            self.stream = Some(self.open().await?);
        }
        let Some(stream) = &mut self.stream else {
            return Err(ClientError::Unreachable {
                code: tonic::Code::Unavailable.into(),
                fault: None,
            });
        };
        match stream.message().await {
            Ok(Some(proto::FollowAccessesResponse { item })) => Ok(required("item", item)?),
            // The index ends streams when it stops or reloads: that is no end of the log.
            Ok(None) => Err(ClientError::Unreachable {
                code: tonic::Code::Unavailable.into(),
                fault: None,
            }),
            Err(status) => Err(self.connection.stream_error(&status)),
        }
    }

    async fn open(&self) -> Result<Streaming<proto::FollowAccessesResponse>, ClientError> {
        let message = proto::FollowAccessesRequest {
            context: Some((&self.context).into()),
            filter: Some((&self.filter).into()),
            origin: self
                .log
                .as_ref()
                .map(|log| log.as_str().to_owned())
                .unwrap_or_default(),
            start_index: self.next,
        };
        self.connection
            .open_stream(message, |channel, request| async move {
                Service::new(channel).follow_accesses(request).await
            })
            .await
    }

    fn take(&mut self, item: proto::follow_accesses_response::Item) -> Result<Followed, ClientError> {
        match item {
            proto::follow_accesses_response::Item::Entry(entry) => {
                let entry = AccessEntry::read(entry)?;
                self.log = Some(entry.origin.clone());
                self.next = Some(entry.index.saturating_add(1));
                Ok(Followed::Entry(Box::new(entry)))
            }
            proto::follow_accesses_response::Item::Progress(progress) => {
                let proto::FollowProgress {
                    origin: log,
                    next_index,
                } = progress;
                self.log = Some(origin(log)?);
                self.next = Some(next_index);
                Ok(Followed::Progress(next_index))
            }
        }
    }
}
