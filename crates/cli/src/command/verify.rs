//! `ponte verify`: is a declaration true? Exit 0 for yes, 1 for no and for what cannot be determined.

use agreement::claim::{
    AddressClaim, Claim, ClaimError, FamilyClaim, GeneralitiesClaim, GeneralitiesParts, MemberClaim,
    ResidenceClaim,
};
use agreement::reason::ExitCode;
use agreement::verification::Verdict;
use clap::{Args, Subcommand};
use client::agency::VerifyDeclaration;
use registry::code::{Kinship, ToponymSpecies};
use registry::date::PartialDate;
use registry::municipality::{self, MunicipalityId};
use registry::record::{BirthPlace, PersonName, Sex};

use crate::call::{self, CallArguments, Subject, SubjectArguments};
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

/// What was declared.
#[derive(Debug, Subcommand)]
pub enum VerifyCommand {
    /// Where the person lives on the reference date
    Residence(ResidenceArguments),
    /// Who the person is
    Generalities(GeneralitiesArguments),
    /// That the person is alive on the reference date
    Existence(CommonArguments),
    /// Who belongs to the person's family on the reference date
    Family(FamilyArguments),
}

/// Arguments of every verification.
#[derive(Args, Debug)]
pub struct CommonArguments {
    /// Whom.
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Arguments of `ponte verify residence`.
#[derive(Args, Debug)]
pub struct ResidenceArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// ISTAT code of the declared municipality
    #[arg(long, value_name = "ISTAT")]
    pub at: String,
    /// Species of the street, as in ANPR table 4; not compared without it
    #[arg(long, value_name = "SPECIES", requires = "street")]
    pub species: Option<String>,
    /// Name of the street, without species; without it the municipality alone is compared
    #[arg(long)]
    pub street: Option<String>,
    /// Civic number; not compared without it
    #[arg(long, requires = "street")]
    pub number: Option<u32>,
    /// Suffix of the number
    #[arg(long, default_value = "", requires = "street")]
    pub suffix: String,
}

/// Arguments of `ponte verify generalities`. What is left out is not compared.
#[derive(Args, Debug)]
pub struct GeneralitiesArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// Surname
    #[arg(long)]
    pub surname: Option<String>,
    /// Given names
    #[arg(long)]
    pub given_name: Option<String>,
    /// Sex, M or F
    #[arg(long)]
    pub sex: Option<String>,
    /// Birth date: YYYY-MM-DD, or YYYY-MM or YYYY where the rest is not declared
    #[arg(long, value_name = "DATE")]
    pub birth_date: Option<String>,
    /// ISTAT code of the municipality of birth
    #[arg(long, value_name = "ISTAT")]
    pub birth_municipality: Option<String>,
}

/// Arguments of `ponte verify family`.
#[derive(Args, Debug)]
pub struct FamilyArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// A member's codice fiscale, or codice fiscale and kinship (ANPR table 5) joined by a colon; all members, the
    /// person among them
    #[arg(long = "member", value_name = "CODE[:KINSHIP]", required = true)]
    pub members: Vec<String>,
}

/// Runs `ponte verify`.
pub fn run(command: VerifyCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        VerifyCommand::Existence(common) => ask(&common, Claim::ExistenceInLife, session),
        VerifyCommand::Residence(arguments) => ask(&arguments.common, arguments.claim()?, session),
        VerifyCommand::Generalities(arguments) => ask(&arguments.common, arguments.claim()?, session),
        VerifyCommand::Family(arguments) => ask(&arguments.common, arguments.claim()?, session),
    }
}

fn ask(common: &CommonArguments, claim: Claim, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CommonArguments { subject, call } = common;
    let Subject { key, municipality } = subject.read()?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = VerifyDeclaration {
            context: call.context.clone(),
            key,
            municipality,
            claim,
            receipt: call::RECEIPT,
        };
        let answer = call
            .agency
            .verify_declaration(request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        call.settle(&answer.receipt, session)?;
        let age = show::freshness(&answer.freshness, answer.fresh_enough, session.language);
        session.say(&age, &age)?;
        session.data(&[show::verification_row(&answer)])?;
        Ok(match answer.verdict {
            Verdict::Yes => ExitCode::Ok,
            Verdict::No | Verdict::Undetermined => ExitCode::NegativeAnswer,
        })
    })
}

impl ResidenceArguments {
    fn claim(&self) -> Result<Claim, Failure> {
        let Self {
            common: _,
            at,
            species,
            street,
            number,
            suffix,
        } = self;
        let municipality = MunicipalityId::of_any(call::istat(at)?)
            .ok_or_else(|| Failure::usage("comune sconosciuto", "the municipality is unknown"))?;
        let species = match species {
            Some(label) => Some(ToponymSpecies::from_label(label).ok_or_else(|| {
                Failure::usage(
                    "specie del toponimo sconosciuta",
                    "the species of the street is unknown",
                )
            })?),
            None => None,
        };
        let address = street.as_ref().map(|street| AddressClaim {
            species,
            street: street.clone(),
            number: *number,
            suffix: suffix.clone(),
            staircase: String::new(),
            unit: String::new(),
        });
        Ok(Claim::Residence(ResidenceClaim {
            municipality,
            address,
        }))
    }
}

impl GeneralitiesArguments {
    fn claim(&self) -> Result<Claim, Failure> {
        let Self {
            common: _,
            surname,
            given_name,
            sex,
            birth_date,
            birth_municipality,
        } = self;
        let name = |text: &Option<String>| {
            text.as_deref()
                .map(PersonName::parse)
                .transpose()
                .map_err(|error| {
                    Failure::usage("nome non ammesso", "the name is not admitted").because(&error)
                })
        };
        let sex = match sex.as_deref() {
            None => None,
            Some("M" | "m") => Some(Sex::Male),
            Some("F" | "f") => Some(Sex::Female),
            Some(_) => return Err(Failure::usage("il sesso è M o F", "the sex is M or F")),
        };
        let birth_date = birth_date
            .as_deref()
            .map(PartialDate::parse)
            .transpose()
            .map_err(|error| {
                Failure::usage("data di nascita non valida", "the birth date is not valid").because(&error)
            })?;
        let birth_place = match birth_municipality {
            None => None,
            Some(code) => {
                let istat = call::istat(code)?;
                let place = birth_date
                    .and_then(|date| municipality::by_istat_at(istat, date.earliest()))
                    .or_else(|| municipality::periods_of_istat(istat).next_back())
                    .ok_or_else(|| Failure::usage("comune sconosciuto", "the municipality is unknown"))?;
                Some(BirthPlace::Municipality {
                    istat: Some(istat),
                    name: place.name().to_owned(),
                    province: place.province().to_owned(),
                })
            }
        };
        let parts = GeneralitiesParts {
            surname: name(surname)?,
            given_name: name(given_name)?,
            sex,
            birth_date,
            birth_place,
        };
        GeneralitiesClaim::new(parts)
            .map(Claim::Generalities)
            .map_err(not_comparable)
    }
}

impl FamilyArguments {
    fn claim(&self) -> Result<Claim, Failure> {
        let members = self.members.iter().map(|member| {
            let (code, kinship) = match member.split_once(':') {
                Some((code, kinship)) => (code, Some(kinship)),
                None => (member.as_str(), None),
            };
            let kinship = kinship.map(Kinship::from_code).transpose().map_err(|error| {
                Failure::usage("legame di parentela sconosciuto", "the kinship is unknown").because(&error)
            })?;
            Ok(MemberClaim {
                tax_code: call::tax_code(code)?,
                kinship,
            })
        });
        let members = members.collect::<Result<_, Failure>>()?;
        FamilyClaim::new(members)
            .map(Claim::FamilyStatus)
            .map_err(not_comparable)
    }
}

fn not_comparable(error: ClaimError) -> Failure {
    Failure::usage(
        "la dichiarazione non si può confrontare",
        "the declaration cannot be compared",
    )
    .because(&error)
}
