//! What an agreement says: who, for what, about whom, how far, how often.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;

use registry::hex::Hex;
use registry::municipality::{self, MunicipalityId};
use registry::profile::{FieldGroup, GroupSet};

use crate::ascertainment::Ascertainment;
use crate::batch::BatchTerms;
use crate::context::{AgreementId, Assurance, PurposeId, ReferenceTerms};
use crate::field::{Field, FieldSet};
use crate::hours::HoursWindow;
use crate::network::Network;
use crate::peer::{CertificateFingerprint, SpiffeId};
use crate::release::Release;
use crate::request::Request;
use crate::service::{Service, VerificationKind};

/// An agreement as submitted: its terms, its bytes and their hash. Made only by reading a document.
#[derive(Clone, PartialEq, Eq)]
pub struct Agreement {
    terms: Terms,
    document: Arc<[u8]>,
    hash: AgreementHash,
}

/// SHA-256 of an agreement's document: the version of the agreement in the access log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgreementHash(pub [u8; 32]);

/// The terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Id.
    pub id: AgreementId,
    /// Title.
    pub title: String,
    /// The agency, an identity of role agency.
    pub agency: SpiffeId,
    /// What kind of body it is.
    pub class: AgencyClass,
    /// Law or act on which the agreement rests.
    pub legal_basis: String,
    /// Act that transfers public power to a private body (DPR 445/2000 art. 43).
    pub transferred_public_power: Option<String>,
    /// First day, Europe/Rome, inclusive.
    pub valid_from: NaiveDate,
    /// Last day, Europe/Rome, inclusive.
    pub valid_to: NaiveDate,
    /// Day by which purposes and users must have been reviewed (R5).
    pub review_by: NaiveDate,
    /// Municipalities whose persons may be shown.
    pub territory: Territory,
    /// Persons who may be shown.
    pub population: Population,
    /// What is shown of protected persons.
    pub protection: Protection,
    /// How far back the reference date may lie.
    pub history: HistoryDepth,
    /// Whether calls may ask what was known at an earlier instant.
    pub known_on: KnownOn,
    /// Whether lookups may name a person by complete generalities.
    pub by_generalities: ByGeneralities,
    /// Networks from which calls are admitted; any where empty.
    pub networks: Vec<Network>,
    /// Hours of service; always where empty.
    pub hours: Vec<HoursWindow>,
    /// Certificates that may be used; any of the agency's where empty.
    pub pinned_certificates: BTreeSet<CertificateFingerprint>,
    /// What operators must bring.
    pub operator: OperatorTerms,
    /// Form of the case reference, where calls must cite one; of one that is cited all the same, the usual form.
    pub case_reference: Option<ReferenceTerms>,
    /// Form of the consent reference; the usual one where absent.
    pub consent_reference: Option<ReferenceTerms>,
    /// Months for which the sealed parts of log entries are kept (R24).
    pub retention_months: u16,
    /// How much.
    pub quotas: Quotas,
    /// Most persons that one search shows, 1 to [`MAX_HITS`]: of more the caller is told to narrow it (R17).
    pub max_hits: u16,
    /// Most residents that one question about an address shows, 1 to [`MAX_RESIDENTS`]: of more the caller is told to
    /// narrow it.
    pub max_residents: u16,
    /// Purposes, at least one, with distinct ids.
    pub purposes: Vec<Purpose>,
}

/// Most persons that a search may show under any agreement (ANPR EN175).
pub const MAX_HITS: u16 = 50;

/// Most residents of an address that may be shown under any agreement.
pub const MAX_RESIDENTS: u16 = 50;

/// What kind of body an agency is; the law grants them different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgencyClass {
    /// Police forces, Guardia di Finanza, persons delegated by a judge (DPR 223/1989 art. 37).
    Police,
    /// Public administration (DPR 445/2000 art. 43).
    PublicBody,
    /// Operator of a public service.
    PublicServiceOperator,
    /// Private body, such as a trade association.
    Private,
}

/// Municipalities whose persons may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Territory {
    /// A whole region, as it is at each time, by the region's ISTAT code.
    Region(&'static str),
    /// Some municipalities.
    Municipalities(BTreeSet<MunicipalityId>),
}

/// Whether persons of a kind may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inclusion {
    /// They may.
    Included,
    /// They may not.
    Excluded,
}

/// Which persons may be shown. Each test must be passed: a deceased citizen abroad is shown only where both are included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// Residents (APR).
    pub residents: Inclusion,
    /// Citizens abroad (AIRE).
    pub aire: Inclusion,
    /// Persons who have left the register.
    pub cancelled: Inclusion,
    /// Persons who have died.
    pub deceased: Inclusion,
    /// Persons under eighteen.
    pub minors: Inclusion,
}

/// What is shown of a person whose location is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing, as if the person did not exist.
    Hidden,
    /// Everything granted but what leads to the place.
    LocationWithheld {
        /// Provision that allows it.
        basis: String,
    },
    /// Everything granted.
    Shown {
        /// Provision that allows it.
        basis: String,
    },
}

/// How far back the reference date may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryDepth {
    /// Only today.
    Today,
    /// This day and later ones.
    Since(NaiveDate),
    /// Any day.
    All,
}

/// Whether something must be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// It need not.
    Optional,
}

/// What operators must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorTerms {
    /// Whether the operator must be named (R23).
    pub identity: Presence,
    /// Least level of assurance.
    pub minimum_assurance: Assurance,
    /// Whether the workstation must be named (R13).
    pub workstation: Presence,
}

/// How much, for the agreement as a whole and for each purpose and operator of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// All calls under the agreement.
    pub agreement: Limits,
    /// Calls for each purpose.
    pub purpose: Limits,
    /// Calls for each operator.
    pub operator: Limits,
}

/// Limits of one scope; absent is unlimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls in a minute of the clock.
    pub calls_per_minute: Option<u32>,
    /// Calls in a day, Europe/Rome.
    pub calls_per_day: Option<u32>,
    /// Calls that found nobody in a day, Europe/Rome.
    pub misses_per_day: Option<u32>,
}

/// A purpose (*finalità*) and what it grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// Id.
    pub id: PurposeId,
    /// The purpose in words.
    pub text: String,
    /// Provision on which it rests.
    pub basis: String,
    /// Who may read of it in the access log.
    pub kind: PurposeKind,
    /// When accesses for a reserved purpose are released; `None` where the agreement does not say, which counts as never.
    pub release: Option<Release>,
    /// Services granted; at least one of them or of the ascertainments.
    pub services: BTreeSet<Service>,
    /// Kinds of verification granted.
    pub verifications: BTreeSet<VerificationKind>,
    /// Kinds of ascertainment granted to calls that name them, each with the fields that it opens.
    pub ascertainments: BTreeSet<Ascertainment>,
    /// Fields granted to consultations, and to the ascertainment of registry data.
    pub fields: FieldSet,
    /// Whether a call must cite the declarant's consent.
    pub consent: Presence,
    /// Provision by which a declaration may name others than the declarant, about whom it then may be verified. Where
    /// there is none, a declaration made with consent is verified about the declarant alone.
    pub named_persons_basis: Option<String>,
    /// What it grants of lists.
    pub batch: Option<BatchTerms>,
}

impl Purpose {
    /// The fields that it grants to a call by itself, or to a row of a list.
    pub fn fields_of(&self, request: &Request) -> FieldSet {
        match (request.asked.ascertainment(), &request.batch, &self.batch) {
            (Some(kind), None, _) => kind.opens(self.fields),
            (None, None, _) => self.fields,
            (None, Some(_), Some(batch)) => batch.fields,
            // No list is made of ascertainments.
            (Some(_), Some(_), _) | (None, Some(_), None) => FieldSet::EMPTY,
        }
    }

    /// The fields by which a call may name a person or limit the question: that somebody is found tells that they are
    /// true. An ascertainment may use those that a consultation under the same purpose may.
    pub fn confirmed_to(&self, request: &Request) -> FieldSet {
        let granted = self.fields_of(request);
        let Some(kind) = request.asked.ascertainment() else {
            return granted;
        };
        let consulted = if self.services.contains(&kind.service()) {
            self.fields
        } else {
            FieldSet::EMPTY
        };
        granted.union(kind.confirms()).union(consulted)
    }

    /// The fields that some ascertainment of the purpose opens.
    pub fn ascertained(&self) -> FieldSet {
        let opened = self.ascertainments.iter().map(|kind| kind.opens(self.fields));
        opened.fold(FieldSet::EMPTY, FieldSet::union)
    }
}

/// Who may read of a purpose's accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PurposeKind {
    /// Also the municipality of the subject (R26).
    Ordinary,
    /// Criminal police or judicial order: nobody outside the agency before the access is released
    /// (d.lgs. 51/2018 art. 21 c. 3), unless it is opened.
    Reserved,
}

impl Agreement {
    /// Binds terms to the document they were read from.
    pub(crate) fn new(terms: Terms, document: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, document);
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self {
            terms,
            document: document.into(),
            hash: AgreementHash(hash),
        }
    }

    /// What the agreement says.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The document as submitted.
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// SHA-256 of the document.
    pub fn hash(&self) -> AgreementHash {
        self.hash
    }
}

impl fmt::Debug for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agreement({} {})", self.terms.id, self.hash)
    }
}

impl fmt::Display for AgreementHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for AgreementHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgreementHash({self})")
    }
}

impl Terms {
    /// The groups of fields that a municipality must publish for the agreement to be answered: those of the fields that
    /// any purpose grants, those that ascertainments open and verifications look at, and citizens abroad where they may be shown.
    pub fn groups(&self) -> GroupSet {
        let mut groups = GroupSet::NONE;
        for purpose in &self.purposes {
            let examined = purpose.verifications.iter().map(|kind| kind.examines());
            let opened = purpose.fields.union(purpose.ascertained());
            let fields = examined.fold(opened, FieldSet::union);
            groups = groups.union(fields.iter().filter_map(Field::group).collect());
        }
        if self.population.aire.is_included() {
            groups = groups.union(GroupSet::of(&[FieldGroup::Aire]));
        }
        groups
    }

    /// The purpose of that id.
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.id == *id)
    }
}

impl AgencyClass {
    /// Every class.
    pub const ALL: [Self; 4] = [
        Self::Police,
        Self::PublicBody,
        Self::PublicServiceOperator,
        Self::Private,
    ];

    /// The name in agreements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Police => "police",
            Self::PublicBody => "public-body",
            Self::PublicServiceOperator => "public-service-operator",
            Self::Private => "private",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

impl PurposeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Ordinary, Self::Reserved];

    /// The name in agreements.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Reserved => "reserved",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Territory {
    /// The region of that ISTAT code, if it has municipalities today.
    pub fn region(code: &str) -> Option<Self> {
        municipality::current_of_region(code)
            .next()
            .map(|municipality| Self::Region(municipality.region()))
    }

    /// Whether the municipality belongs to the territory. A ceased one belongs to the region where it last was; who was
    /// merged is reached by the name of the successor, and the successor by that of whoever was merged into it.
    pub fn contains(&self, id: MunicipalityId) -> bool {
        match self {
            Self::Region(code) => municipality::periods(id.cadastral())
                .last()
                .is_some_and(|period| period.region() == *code),
            Self::Municipalities(ids) => ids.iter().any(|named| named.shares_lineage(id)),
        }
    }

    /// The municipalities of the territory; of a region, those that exist today, and in the place of a merged one its
    /// successor.
    pub fn municipalities(&self) -> BTreeSet<MunicipalityId> {
        match self {
            Self::Region(code) => municipality::current_of_region(code)
                .filter_map(municipality::Municipality::id)
                .collect(),
            Self::Municipalities(ids) => ids.iter().map(|id| id.keeper()).collect(),
        }
    }
}

/// Whether an agreement lets lookups name a person by complete generalities, and not by an identifier alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByGeneralities {
    /// It does not.
    Refused,
    /// It does.
    Granted,
}

impl ByGeneralities {
    /// Whether it does.
    pub fn is_granted(self) -> bool {
        self == Self::Granted
    }
}

/// Whether an agreement lets its calls ask what the region knew at an earlier instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownOn {
    /// It does not: answers are of what is known now.
    Refused,
    /// It does.
    Granted,
}

impl KnownOn {
    /// Whether it does.
    pub fn is_granted(self) -> bool {
        self == Self::Granted
    }
}

impl HistoryDepth {
    /// The earliest reference date admitted on `today`; `None` where there is no bound.
    pub fn earliest(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Today => Some(today),
            Self::Since(day) => Some(day),
            Self::All => None,
        }
    }
}

/// As written in agreements.
impl fmt::Display for HistoryDepth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Today => f.write_str("today"),
            Self::Since(day) => write!(f, "since {day}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl Inclusion {
    /// Whether they may be shown.
    pub fn is_included(self) -> bool {
        self == Self::Included
    }
}

impl Presence {
    /// Whether it must be present.
    pub fn is_required(self) -> bool {
        self == Self::Required
    }
}
