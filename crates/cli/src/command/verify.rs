//! `ponte verify`: is a declaration true? Exit 0 for yes, 1 for no and for what cannot be determined.

mod arguments;
pub(super) mod claim;

use agreement::claim::Claim;
use agreement::reason::ExitCode;
use agreement::request::DeclaredPerson;
use agreement::verification::Verdict;
use clap::Subcommand;
use client::agency::VerifyDeclaration;

use crate::call::{self, Subject};
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

use self::arguments::{
    BondArguments, CitizenshipArguments, CommonArguments, DeathArguments, FamilyArguments,
    GeneralitiesArguments, MunicipalityArguments, NationalIdArguments, ParentArguments, ResidenceArguments,
    UnmarriedArguments,
};

/// What was declared.
#[derive(Debug, Subcommand)]
pub enum VerifyCommand {
    /// Where the person is resident on the reference date: municipality, street and number (ANPR C008)
    Residence(ResidenceArguments),
    /// In which municipality the person is resident on the reference date, wherever in it
    Municipality(MunicipalityArguments),
    /// Who the person is (C003)
    Generalities(GeneralitiesArguments),
    /// That the person is alive on the reference date (C007)
    Existence(CommonArguments),
    /// That the person was dead on the reference date (C004); ask of the day after the death
    Death(DeathArguments),
    /// Who belongs to the person's family on the reference date (C009)
    Family(FamilyArguments),
    /// That the person is married on the reference date (C005)
    Marriage(BondArguments),
    /// That the person lives in a civil union on the reference date (C014)
    CivilUnion(BondArguments),
    /// That the person is widowed on the reference date (C011)
    Widowhood(BondArguments),
    /// That the person is bound by neither marriage nor civil union on the reference date (C010)
    Unmarried(UnmarriedArguments),
    /// Of which state the person is a citizen on the reference date (C006)
    Citizenship(CitizenshipArguments),
    /// Who the person's father is (C012)
    Paternity(ParentArguments),
    /// Who the person's mother is (C013)
    Maternity(ParentArguments),
    /// That a national id is the person's (C031)
    NationalId(NationalIdArguments),
}

/// Runs `ponte verify`.
pub fn run(command: VerifyCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let (common, claim) = read(command)?;
    ask(&common, claim, session)
}

/// What was declared, about whom, and how it is asked.
pub(super) fn read(command: VerifyCommand) -> Result<(CommonArguments, Claim), Failure> {
    Ok(match command {
        VerifyCommand::Existence(common) => (common, Claim::ExistenceInLife),
        VerifyCommand::Residence(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Municipality(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Generalities(arguments) => {
            let claim = arguments.stated.claim()?;
            (arguments.common, Claim::Generalities(claim))
        }
        VerifyCommand::Death(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Family(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Marriage(arguments) => (arguments.common.clone(), Claim::Marriage(arguments.claim()?)),
        VerifyCommand::CivilUnion(arguments) => {
            (arguments.common.clone(), Claim::CivilUnion(arguments.claim()?))
        }
        VerifyCommand::Widowhood(arguments) => {
            (arguments.common.clone(), Claim::Widowhood(arguments.claim()?))
        }
        VerifyCommand::Unmarried(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Citizenship(arguments) => (arguments.common.clone(), arguments.claim()?),
        VerifyCommand::Paternity(arguments) => {
            (arguments.common.clone(), Claim::Paternity(arguments.claim()?))
        }
        VerifyCommand::Maternity(arguments) => {
            (arguments.common.clone(), Claim::Maternity(arguments.claim()?))
        }
        VerifyCommand::NationalId(arguments) => (arguments.common.clone(), arguments.claim()?),
    })
}

pub(super) fn declared_person(named: bool) -> DeclaredPerson {
    if named {
        DeclaredPerson::Named
    } else {
        DeclaredPerson::Declarant
    }
}

fn ask(common: &CommonArguments, claim: Claim, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CommonArguments {
        subject,
        call,
        named_person,
    } = common;
    let declared = declared_person(*named_person);
    let Subject { key, municipality } = subject.read()?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = VerifyDeclaration {
            context: call.context.clone(),
            key,
            municipality,
            declared,
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
