//! The columns.

use std::fmt;

/// What the layout says of a column.
#[derive(Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The column.
    pub column: Column,
    /// Name in the header row.
    pub name: &'static str,
    /// Whether column and value must be there.
    pub requirement: Requirement,
    /// Which values are admitted.
    pub form: Form,
    /// What it means.
    pub meaning: &'static str,
}

/// Whether column and value must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The column must be in the header, and no row may leave it empty.
    Always,
    /// The column must be in the header; rows may leave it empty.
    Column,
    /// The column may be left out; empty and left out are the same.
    Optional,
}

/// Which values a column admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Free text of at most so many characters, without control characters.
    Text(usize),
    /// A name of a person.
    Name,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `S` or `N`; empty is `N`.
    YesNo,
    /// `YYYY-MM-DD`.
    Date,
    /// `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    PartialDate,
    /// Six digits.
    Istat,
    /// Two capital letters.
    Province,
    /// Three digits.
    State,
    /// Three digits each, separated by commas.
    States,
    /// Five digits.
    Postcode,
    /// At most six digits.
    Number,
    /// The municipality's number of a card or household.
    LocalNumber,
    /// National id.
    NationalId,
    /// Codice fiscale, or eleven digits for a provisional one.
    TaxCode,
    /// A code of this table of ANPR.
    Code(&'static str),
    /// A kind of registry event.
    Event,
    /// A year of four digits.
    Year,
    /// A word of the reference of a civil-status act.
    Act,
}

/// Declares the columns, in the order in which they are written.
macro_rules! columns {
    ($($column:ident $name:literal $requirement:ident $form:expr, $meaning:literal;)+) => {
        /// A column of the layout.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Column {
            $(#[doc = concat!("`", $name, "`: ", $meaning)] $column,)+
        }

        /// The columns, in the order in which they are written; a file may have them in any order.
        pub static COLUMNS: &[ColumnSpec] = &[$(ColumnSpec {
            column: Column::$column,
            name: $name,
            requirement: Requirement::$requirement,
            form: $form,
            meaning: $meaning,
        },)+];

        impl Column {
            /// How many there are.
            pub const COUNT: usize = [$($name,)+].len();

            /// What the layout says of it.
            pub fn spec(self) -> &'static ColumnSpec {
                match self {
                    $(Self::$column => {
                        static SPEC: ColumnSpec = ColumnSpec {
                            column: Column::$column,
                            name: $name,
                            requirement: Requirement::$requirement,
                            form: $form,
                            meaning: $meaning,
                        };
                        &SPEC
                    })+
                }
            }

            /// The column of a header name, in any case.
            pub fn named(name: &str) -> Option<Self> {
                COLUMNS.iter().find(|spec| spec.name.eq_ignore_ascii_case(name)).map(|spec| spec.column)
            }
        }
    };
}

use Form::{
    Act, Code, Date, Event, Istat, LocalNumber, Name, NationalId, Number, OneOf, PartialDate, Postcode,
    Province, State, States, TaxCode, Text, Year, YesNo,
};

columns! {
    Card "scheda" Always LocalNumber, "the municipality's number for the card";
    Register "registro" Always OneOf(&["APR", "AIRE"]), "residents (APR) or citizens abroad (AIRE)";
    Surname "cognome" Column Name, "surname; empty for a person without surname";
    GivenName "nome" Column Name, "given names; empty for a person without given name";
    Sex "sesso" Always OneOf(&["M", "F", "N"]), "sex as registered; N when not known";
    BirthDate "data_nascita" Always PartialDate, "birth date, as far as it is known";
    BirthMunicipality "comune_nascita" Column Text(80), "name of the Italian municipality of birth at the birth date";
    BirthIstat "istat_nascita" Column Istat, "its ISTAT code at the birth date";
    BirthProvince "provincia_nascita" Column Province, "its province at the birth date";
    BirthState "stato_nascita" Column State, "state of birth, for those born abroad (table 2)";
    BirthLocality "localita_nascita" Optional Text(120), "locality of birth abroad";
    BirthExceptional "luogo_eccezionale_nascita" Optional Text(120), "ship, aeroplane or other exceptional place of birth";
    TaxCodeValue "codice_fiscale" Column TaxCode, "codice fiscale in force";
    TaxCodeValidated "cf_validato" Column OneOf(&["1", "9"]), "1 confirmed by the tax registry, 9 not; empty is 9";
    TaxCodeFrom "decorrenza_cf" Optional Date, "day from which it is the person's code";
    NationalIdValue "id_anpr" Column NationalId, "national id (idANPR)";
    CivilStatusValue "stato_civile" Always Code("1"), "civil status";
    CivilStatusFrom "decorrenza_stato_civile" Column Date, "day from which it holds";
    Citizenships "cittadinanze" Column States, "citizenships (table 2); 999 for a stateless person";
    CitizenshipsFrom "decorrenza_cittadinanze" Column Date, "day from which exactly these hold";
    FatherSurname "padre_cognome" Optional Name, "father's surname";
    FatherGivenName "padre_nome" Optional Name, "father's given names";
    FatherTaxCode "padre_codice_fiscale" Optional TaxCode, "father's codice fiscale";
    MotherSurname "madre_cognome" Optional Name, "mother's surname";
    MotherGivenName "madre_nome" Optional Name, "mother's given names";
    MotherTaxCode "madre_codice_fiscale" Optional TaxCode, "mother's codice fiscale";
    AddressKindValue "tipo_indirizzo" Column Code("25"), "kind of address; needed with every address";
    AddressMunicipality "indirizzo_comune" Column Istat, "municipality of an address in Italy";
    Postcode "cap" Column Postcode, "postcode";
    Hamlet "frazione" Column Text(80), "hamlet";
    Species "specie" Column Code("4"), "species of the street";
    Street "via" Column Text(100), "name of the street without its species";
    StreetCode "codice_via" Optional Text(6), "the municipality's code of the street";
    HouseNumber "civico" Column Number, "house number; empty when there is none (SNC)";
    Suffix "esponente" Column Text(10), "suffix of the house number";
    Staircase "scala" Column Text(10), "staircase";
    Unit "interno" Column Text(10), "internal number";
    ForeignState "stato_estero" Column State, "state of an address abroad (table 2)";
    ForeignLocality "localita_estera" Column Text(120), "locality of an address abroad";
    ForeignLine "indirizzo_estero" Optional Text(200), "street and number abroad";
    ResidenceFrom "decorrenza_residenza" Column Date, "day from which the address holds";
    Provisional "residenza_con_riserva" Column YesNo, "S while the check of 45 days is open (DPR 223/1989 art. 18-bis)";
    NoFixedAbode "senza_fissa_dimora" Column YesNo, "S for a person without fixed abode: an address in Italy is then a notional street and is not published";
    Household "famiglia" Column LocalNumber, "the municipality's number for the family or convivenza";
    HouseholdKind "tipo_legame" Column OneOf(&["F", "C"]), "F family, C convivenza";
    HouseholdRole "legame" Column Code("5 or 6"), "relation to the reference person (table 5, with F) or role (table 6, with C)";
    HouseholdFrom "decorrenza_legame" Column Date, "day from which it holds";
    DocumentNumber "carta_numero" Optional Text(20), "number of the identity card";
    DocumentIssuer "carta_comune" Optional Istat, "municipality that issued it";
    DocumentIssued "carta_rilascio" Optional Date, "day of issue";
    DocumentExpires "carta_scadenza" Optional Date, "last day of validity";
    RegistrationReason "iscrizione_motivo" Always Code("7, AIRE 19"), "reason of registration";
    RegistrationFrom "iscrizione_decorrenza" Column Date, "effective date of the registration";
    OriginMunicipality "iscrizione_comune" Column Istat, "municipality from which the person came";
    OriginState "iscrizione_stato" Column State, "state from which the person came (table 2)";
    CancellationReason "cancellazione_motivo" Column Code("15, AIRE 28"), "reason of cancellation";
    CancellationFrom "cancellazione_decorrenza" Column Date, "effective date of the cancellation";
    DestinationMunicipality "cancellazione_comune" Column Istat, "municipality to which the person went";
    DestinationState "cancellazione_stato" Column State, "state to which the person went (table 2)";
    DeathDate "decesso_data" Column Date, "day of death";
    DeathMunicipality "decesso_comune" Optional Istat, "municipality of death";
    DeathState "decesso_stato" Optional State, "state of death (table 2)";
    Protected "protetto" Column YesNo, "S when a measure protects the person's whereabouts";
    ProcedureOpen "procedimento_aperto" Column YesNo, "S while an administrative procedure is open on the card";
    NotCertifiable "non_certificabile" Column YesNo, "S when nothing may be certified from the card (table 42: 0, 3, 4)";
    Operation "operazione" Optional OneOf(&["A", "C", "X"]), "A or empty publishes the card; in incremental exports only, C withdraws it and X annuls its last operation";
    EventKindValue "evento" Optional Event, "what happened; without it the node finds out by comparing";
    EventDate "evento_data" Optional Date, "day of the event itself";
    EventEffective "evento_decorrenza" Optional Date, "effective date of the event";
    EventRegistered "evento_registrazione" Optional Date, "day on which the registry wrote it down; empty is the day of the export";
    ActMunicipality "atto_comune" Optional Istat, "municipality whose civil-status registers hold the act behind the event";
    ActOffice "atto_ufficio" Optional Act, "civil-status office, where the municipality has several";
    ActYear "atto_anno" Optional Year, "year of the registers";
    ActPart "atto_parte" Optional Act, "part of the register";
    ActSeries "atto_serie" Optional Act, "series of the part";
    ActNumber "atto_numero" Optional Act, "number of the act; needed with municipality and year, or none of them";
}

impl Column {
    /// Name in the header row.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Whether it says what happened to the card, not what stands on it.
    pub fn tells_operation(self) -> bool {
        matches!(
            self,
            Self::Operation
                | Self::EventKindValue
                | Self::EventDate
                | Self::EventEffective
                | Self::EventRegistered
                | Self::ActMunicipality
                | Self::ActOffice
                | Self::ActYear
                | Self::ActPart
                | Self::ActSeries
                | Self::ActNumber
        )
    }

    /// Position in [`COLUMNS`].
    pub(super) fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "value",
            Self::Column => "column",
            Self::Optional => "no",
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text(length) => write!(f, "text, at most {length} characters"),
            Name => f.write_str("1-80 letters, blanks, `- ' . ,`"),
            OneOf(words) => {
                for (position, word) in words.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}`{word}`")?;
                }
                Ok(())
            }
            YesNo => f.write_str("`S`, `N`; empty is `N`"),
            Date => f.write_str("`YYYY-MM-DD`"),
            PartialDate => f.write_str("`YYYY-MM-DD`, `YYYY-MM`, `YYYY`"),
            Istat => f.write_str("ISTAT code, 6 digits"),
            Province => f.write_str("2 capital letters"),
            State => f.write_str("3 digits"),
            States => f.write_str("3 digits each, separated by `,`"),
            Postcode => f.write_str("5 digits"),
            Number => f.write_str("1-6 digits"),
            LocalNumber => f.write_str("1-20 letters, digits, `. _ / -`"),
            NationalId => f.write_str("2 letters, 5 digits, 2 letters or digits"),
            TaxCode => f.write_str("16 characters, or 11 digits"),
            Code(table) => write!(f, "code of table {table}"),
            Event => f.write_str("code of an event, below"),
            Year => f.write_str("4 digits"),
            Act => f.write_str("1-10 letters, digits, `. / -`"),
        }
    }
}
