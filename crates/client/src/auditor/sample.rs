//! The justified sample: drawing, listing, justifying, recording the outcome.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use ledger::receipt::ShortReceipt;
use wire::convert::{Invalid, Rule, civil_date, timestamp_to_ms};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;
use wire::proto::ledger::v1::ShortReceipt as WireReceipt;

use crate::auditor::{AuditorClient, ReadingContext};
use crate::connection::Repeat;
use crate::convert::{each, required, unknown_value};
use crate::error::{ClientError, EvidenceFault};
use crate::page::{Page, PageRequest};
use crate::receipt::{ShortClaim, claim_of};

/// From which accesses is drawn, and until when they are to be justified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The agency, a SPIFFE id.
    pub agency: String,
    /// How many accesses, 1 to 200.
    pub size: u32,
    /// Days whose accesses count, Europe/Rome, at most 92.
    pub days: Range<NaiveDate>,
    /// Last day in time.
    pub deadline: NaiveDate,
}

/// A sample with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Index of the entry that announced it: its name.
    pub index: u64,
    /// When it was announced.
    pub drawn: DateTime<Utc>,
    /// What was announced.
    pub drawing: Drawing,
    /// Whether it is of accesses for reserved purposes.
    pub reserved: bool,
    /// The accesses, in order of index.
    pub items: Vec<SampleItem>,
    /// The entry that announced it or did what was asked for; nothing in a list.
    pub receipt: Option<ShortClaim>,
}

/// An access of a sample.
#[derive(Clone, PartialEq, Eq)]
pub struct SampleItem {
    /// Index of its entry.
    pub entry: u64,
    /// When it was made.
    pub accessed: DateTime<Utc>,
    /// Where it stands today.
    pub state: SampleState,
    /// The agency's justification.
    pub justification: Option<Justification>,
    /// What the outcome was recorded with; may be empty.
    pub note: String,
}

/// Why an access was made, as the agency says.
#[derive(Clone, PartialEq, Eq)]
pub struct Justification {
    /// Index of its entry.
    pub index: u64,
    /// Day on which it came, Europe/Rome.
    pub date: NaiveDate,
    /// In words.
    pub text: String,
    /// The case.
    pub case_reference: String,
    /// The natural person who justified.
    pub reader: String,
}

/// Where an access of a sample stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleState {
    /// It waits for a justification.
    Pending,
    /// It waits, and the deadline has passed.
    Overdue,
    /// It was justified in time.
    Justified,
    /// It was justified after the deadline.
    JustifiedLate,
    /// The justification was accepted.
    Accepted,
    /// It was rejected, or there was none.
    Rejected,
}

/// How a justification is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleOutcome {
    /// The access was justified.
    Accepted,
    /// It was not.
    Rejected,
}

/// A page of samples, and the claim that the reading was entered.
#[derive(Clone, Debug)]
pub struct SamplePage {
    /// The samples, in order of index.
    pub page: Page<Sample>,
    /// The entry that this reading made.
    pub receipt: ShortClaim,
}

/// Words of persons: debugging output has none of them.
impl std::fmt::Debug for SampleItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SampleItem(entry {}, {:?})", self.entry, self.state)
    }
}

impl std::fmt::Debug for Justification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Justification(entry {}, {})", self.index, self.date)
    }
}

impl SampleState {
    /// The word in tables and exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Overdue => "overdue",
            Self::Justified => "justified",
            Self::JustifiedLate => "justified-late",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    fn read(number: i32) -> Result<Self, Invalid> {
        match proto::SampleState::try_from(number) {
            Ok(proto::SampleState::Pending) => Ok(Self::Pending),
            Ok(proto::SampleState::Overdue) => Ok(Self::Overdue),
            Ok(proto::SampleState::Justified) => Ok(Self::Justified),
            Ok(proto::SampleState::JustifiedLate) => Ok(Self::JustifiedLate),
            Ok(proto::SampleState::Accepted) => Ok(Self::Accepted),
            Ok(proto::SampleState::Rejected) => Ok(Self::Rejected),
            Ok(proto::SampleState::Unspecified) | Err(_) => Err(unknown_value("state")),
        }
    }
}

impl AuditorClient {
    /// Draws a sample: the regional auditor from accesses for ordinary purposes, an agency's supervisor from its own for
    /// reserved ones. A call that may have taken effect is not made again.
    ///
    /// # Errors
    /// See [`ClientError`]; `SAMPLE_STATE` when there is no access to draw.
    pub async fn draw_sample(
        &self,
        context: &ReadingContext,
        drawing: &Drawing,
    ) -> Result<Sample, ClientError> {
        let Drawing {
            agency,
            size,
            days,
            deadline,
        } = drawing;
        let message = proto::DrawSampleRequest {
            context: Some(context.into()),
            agency: agency.clone(),
            size: *size,
            start_date: Some(days.start.into()),
            end_date: Some(days.end.into()),
            deadline: Some((*deadline).into()),
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).draw_sample(request).await
            })
            .await?;
        let proto::DrawSampleResponse { sample, receipt } = answer;
        entered(sample, receipt)
    }

    /// A page of the samples in the auditor's scope.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn samples(
        &self,
        context: &ReadingContext,
        page: &PageRequest,
    ) -> Result<SamplePage, ClientError> {
        let message = proto::ListSamplesRequest {
            context: Some(context.into()),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_samples(request).await
            })
            .await?;
        let proto::ListSamplesResponse {
            samples,
            next_page_token,
            origin: _,
            receipt,
        } = answer;
        Ok(SamplePage {
            page: Page::new(each("samples", samples, Sample::read)?, next_page_token),
            receipt: claim(receipt)?,
        })
    }

    /// Justifies an access of a sample. A call that may have taken effect is not made again.
    ///
    /// # Errors
    /// See [`ClientError`]; `SAMPLE_STATE` when it was justified or judged before.
    pub async fn justify_sample(
        &self,
        context: &ReadingContext,
        sample: u64,
        entry: u64,
        text: &str,
        case_reference: &str,
    ) -> Result<Sample, ClientError> {
        let message = proto::JustifySampleRequest {
            context: Some(context.into()),
            sample,
            entry,
            text: text.to_owned(),
            case_reference: case_reference.to_owned(),
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).justify_sample(request).await
            })
            .await?;
        let proto::JustifySampleResponse {
            sample: answered,
            receipt,
        } = answer;
        about(sample, entered(answered, receipt)?)
    }

    /// Records whether an access of a sample was justified. A call that may have taken effect is not made again.
    ///
    /// # Errors
    /// See [`ClientError`]; `SAMPLE_STATE` when it was judged before, or can not be judged yet.
    pub async fn record_sample_outcome(
        &self,
        context: &ReadingContext,
        sample: u64,
        entry: u64,
        outcome: SampleOutcome,
        note: &str,
    ) -> Result<Sample, ClientError> {
        let outcome = match outcome {
            SampleOutcome::Accepted => proto::SampleOutcome::Accepted,
            SampleOutcome::Rejected => proto::SampleOutcome::Rejected,
        };
        let message = proto::RecordSampleOutcomeRequest {
            context: Some(context.into()),
            sample,
            entry,
            outcome: outcome.into(),
            note: note.to_owned(),
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).record_sample_outcome(request).await
            })
            .await?;
        let proto::RecordSampleOutcomeResponse {
            sample: answered,
            receipt,
        } = answer;
        about(sample, entered(answered, receipt)?)
    }
}

fn claim(receipt: Option<WireReceipt>) -> Result<ShortClaim, ClientError> {
    let short = required("receipt", receipt)?;
    let origin = short.origin.clone();
    let receipt = ShortReceipt::try_from(short).map_err(|invalid| invalid.within("receipt"))?;
    Ok(claim_of(origin, receipt)?)
}

fn entered(sample: Option<proto::Sample>, receipt: Option<WireReceipt>) -> Result<Sample, ClientError> {
    let sample = required("sample", sample)?;
    let sample = Sample::read(sample).map_err(|invalid| invalid.within("sample"))?;
    Ok(Sample {
        receipt: Some(claim(receipt)?),
        ..sample
    })
}

fn about(index: u64, sample: Sample) -> Result<Sample, ClientError> {
    if sample.index == index {
        Ok(sample)
    } else {
        Err(EvidenceFault::OtherSubject("sample").into())
    }
}

fn instant(field: &str, time: Option<wire::convert::Timestamp>) -> Result<DateTime<Utc>, Invalid> {
    DateTime::from_timestamp_millis(timestamp_to_ms(field, time)?)
        .ok_or_else(|| Invalid::new(field, Rule::Range))
}

impl Sample {
    fn read(sample: proto::Sample) -> Result<Self, Invalid> {
        let proto::Sample {
            index,
            draw_time,
            agency,
            reserved,
            size,
            start_date,
            end_date,
            deadline,
            items,
        } = sample;
        let drawing = Drawing {
            agency,
            size,
            days: civil_date("start_date", start_date)?..civil_date("end_date", end_date)?,
            deadline: civil_date("deadline", deadline)?,
        };
        Ok(Self {
            index,
            drawn: instant("draw_time", draw_time)?,
            drawing,
            reserved,
            items: each("items", items, SampleItem::read)?,
            receipt: None,
        })
    }
}

impl SampleItem {
    fn read(item: proto::SampleItem) -> Result<Self, Invalid> {
        let proto::SampleItem {
            entry,
            access_time,
            state,
            justification,
            note,
        } = item;
        let justification = justification.map(|justification| {
            let proto::SampleJustification {
                index,
                date,
                text,
                case_reference,
                reader,
            } = justification;
            let date = civil_date("date", date).map_err(|invalid| invalid.within("justification"))?;
            Ok::<_, Invalid>(Justification {
                index,
                date,
                text,
                case_reference,
                reader,
            })
        });
        Ok(Self {
            entry,
            accessed: instant("access_time", access_time)?,
            state: SampleState::read(state)?,
            justification: justification.transpose()?,
            note,
        })
    }
}
