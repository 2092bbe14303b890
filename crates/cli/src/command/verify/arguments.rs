//! Arguments of `ponte verify`.

use clap::Args;

use crate::call::{CallArguments, SubjectArguments};

/// Arguments of every verification.
#[derive(Args, Clone, Debug)]
pub struct CommonArguments {
    /// Whom.
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
    /// The declaration is about somebody whom the declarant names, not about the declarant
    #[arg(long)]
    pub named_person: bool,
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
    #[arg(long, value_name = "SPECIES")]
    pub species: Option<String>,
    /// Name of the street, without species
    #[arg(long)]
    pub street: String,
    /// Civic number
    #[arg(
        long,
        required_unless_present = "without_number",
        conflicts_with = "without_number"
    )]
    pub number: Option<u32>,
    /// The house has no number (SNC)
    #[arg(long)]
    pub without_number: bool,
    /// Suffix of the number
    #[arg(long, default_value = "")]
    pub suffix: String,
}

/// Arguments of `ponte verify municipality`.
#[derive(Args, Debug)]
pub struct MunicipalityArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// ISTAT code of the declared municipality
    #[arg(long, value_name = "ISTAT")]
    pub at: String,
}

/// Arguments of `ponte verify generalities`.
#[derive(Args, Debug)]
pub struct GeneralitiesArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// What is stated.
    #[command(flatten)]
    pub stated: StatedGeneralities,
}

/// Generalities as stated. What is left out is not compared.
#[derive(Args, Debug)]
pub struct StatedGeneralities {
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

/// Arguments of `ponte verify death`.
#[derive(Args, Debug)]
pub struct DeathArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// Day of death: YYYY-MM-DD, or YYYY-MM or YYYY; not compared without it
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
}

/// Arguments of `ponte verify marriage`, `civil-union` and `widowhood`.
#[derive(Args, Debug)]
pub struct BondArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// Day of marriage or union, or of the death that left the person widowed: YYYY-MM-DD, or YYYY-MM or YYYY; not
    /// compared without it
    #[arg(long, value_name = "DATE")]
    pub since: Option<String>,
    /// Surname of spouse, partner or late spouse. Whoever that is, no card holds it: with a name, what is not untrue
    /// cannot be determined
    #[arg(long, value_name = "SURNAME")]
    pub partner_surname: Option<String>,
    /// Given names of spouse, partner or late spouse, the same way
    #[arg(long, value_name = "NAMES")]
    pub partner_given_name: Option<String>,
}

/// Arguments of `ponte verify unmarried`.
#[derive(Args, Debug)]
pub struct UnmarriedArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// Civil status that leaves the person unmarried, code of ANPR table 1: 1, 3, 4, 7 or 8; not compared without it
    #[arg(long, value_name = "CODE")]
    pub status: Option<String>,
}

/// Arguments of `ponte verify citizenship`.
#[derive(Args, Debug)]
pub struct CitizenshipArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// ISTAT code of the state, three digits; 100 is Italy, 999 stateless
    #[arg(long, value_name = "CODE")]
    pub state: String,
}

/// Arguments of `ponte verify paternity` and `maternity`.
#[derive(Args, Debug)]
pub struct ParentArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// Surname of the parent; not compared without it
    #[arg(long)]
    pub surname: Option<String>,
    /// Given names of the parent; not compared without them
    #[arg(long)]
    pub given_name: Option<String>,
}

/// Arguments of `ponte verify national-id`.
#[derive(Args, Debug)]
pub struct NationalIdArguments {
    /// Common arguments.
    #[command(flatten)]
    pub common: CommonArguments,
    /// The declared national id
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// The person it is said to belong to.
    #[command(flatten)]
    pub stated: StatedGeneralities,
}
