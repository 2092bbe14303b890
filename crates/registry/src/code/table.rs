//! The short tables, each an enum with ANPR's codes and labels.

use super::{CodeError, CodeTable};

/// Declares a table: variants with code and label, and the conversions between them.
macro_rules! code_table {
    ($(#[$doc:meta])* $name:ident, $table:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal, $label:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Reads a code as ANPR writes it, without leading zeros.
            pub fn from_code(code: &str) -> Result<Self, CodeError> {
                match code {
                    $($code => Ok(Self::$variant),)+
                    _ => Err(CodeError { table: CodeTable::$table }),
                }
            }

            /// The code as ANPR writes it.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// ANPR's label, in Italian.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

code_table! {
    /// Civil status (*stato civile*, ANPR table 1).
    CivilStatus, CivilStatus {
        /// Never married nor united.
        Single = "1", "Celibe/Nubile";
        /// Married.
        Married = "2", "Coniugato/a";
        /// Widowed.
        Widowed = "3", "Vedovo/a";
        /// Divorced, or marriage annulled.
        Divorced = "4", "Divorziato/a";
        /// In a civil union (L. 76/2016).
        CivillyUnited = "6", "Unito civilmente";
        /// Free by the death of the civil partner.
        FreeAfterPartnerDeath = "7", "Stato libero a seguito di decesso della parte unita civilmente";
        /// Free by the dissolution of the civil union.
        FreeAfterUnionDissolved = "8", "Stato libero a seguito di scioglimento dell'unione";
        /// Not classifiable or not known; the card must carry a note.
        Unknown = "9", "Non classificabile/ignoto/n.c";
    }
}

code_table! {
    /// Relation to the reference person of a family (*legame di parentela*, ANPR table 5).
    Kinship, Kinship {
        /// Reference person (*intestatario della scheda*).
        ReferencePerson = "1", "Intestatario Scheda";
        /// Husband or wife.
        Spouse = "2", "Marito / Moglie";
        /// Son or daughter.
        Child = "3", "Figlio / Figlia";
        /// Grandchild, descendant.
        Grandchild = "4", "Nipote (discendente)";
        /// Great-grandchild, descendant.
        GreatGrandchild = "5", "Pronipote (discendente)";
        /// Father or mother.
        Parent = "6", "Padre / Madre";
        /// Grandparent.
        Grandparent = "7", "Nonno / Nonna";
        /// Great-grandparent.
        GreatGrandparent = "8", "Bisnonno / Bisnonna";
        /// Brother or sister.
        Sibling = "9", "Fratello / Sorella";
        /// Nephew or niece by blood.
        CollateralNephew = "10", "Nipote (collaterale)";
        /// Uncle or aunt by blood.
        CollateralUncle = "11", "Zio / Zia (Collaterale)";
        /// Cousin.
        Cousin = "12", "Cugino / Cugina";
        /// Other relative by blood.
        OtherRelative = "13", "Altro Parente";
        /// Stepchild; only for cards taken over before 15 September 2015.
        Stepchild = "14", "Figliastro / Figliastra";
        /// Step-parent; only for cards taken over before 15 September 2015.
        Stepparent = "15", "Patrigno / Matrigna";
        /// Son-in-law or daughter-in-law.
        ChildInLaw = "16", "Genero / Nuora";
        /// Father-in-law or mother-in-law.
        ParentInLaw = "17", "Suocero / Suocera";
        /// Brother-in-law or sister-in-law.
        SiblingInLaw = "18", "Cognato / Cognata";
        /// Half-brother or half-sister; only for cards taken over before 15 September 2015.
        HalfSibling = "19", "Fratellastro / Sorellastra";
        /// Nephew or niece by marriage.
        AffineNephew = "20", "Nipote (Affine)";
        /// Uncle or aunt by marriage.
        AffineUncle = "21", "Zio / Zia (Affine)";
        /// Other relative by marriage.
        OtherAffine = "22", "Altro Affine";
        /// Cohabitant by adoption or affection.
        Cohabitant = "23", "Convivente (con vincoli di adozione o affettivi)";
        /// Responsible for a cohabitation without bonds of affection.
        NonAffectiveHead = "24", "Responsabile della convivenza non affettiva";
        /// Member of a cohabitation without bonds of affection.
        NonAffectiveMember = "25", "Convivente in convivenza non affettiva";
        /// Guardian.
        Guardian = "26", "Tutore";
        /// Civil partner.
        CivilPartner = "28", "Unito civilmente";
        /// Adopted; only for cards taken over before 15 September 2015.
        Adopted = "80", "Adottato";
        /// *Nipote* without saying whether grandchild or nephew.
        GenericNephew = "81", "Nipote";
        /// Not defined or not communicated.
        Undefined = "99", "Non definito/comunicato";
    }
}

code_table! {
    /// Role in a convivenza (ANPR table 6).
    ConvivenzaRole, ConvivenzaRole {
        /// Responsible for the convivenza.
        Responsible = "1", "Responsabile convivenza";
        /// Member.
        Member = "2", "Membro della convivenza";
        /// Other.
        Other = "3", "Altro";
        /// Not known.
        Unknown = "9", "Ignoto";
    }
}

code_table! {
    /// Reason of registration among residents (*motivo di iscrizione*, ANPR table 7).
    AprRegistrationReason, AprRegistrationReason {
        /// Birth.
        Birth = "1", "Nascita";
        /// Existence recognised by a court.
        JudiciallyRecognised = "2", "Esistenza (giudizialmente riconosciuta)";
        /// Immigration from a municipality outside ANPR.
        Immigration = "3", "Immigrazione (da comune non subentrato)";
        /// Immigration from abroad.
        FromAbroad = "4", "Immigrazione dall’estero";
        /// Reappearance after cancellation as untraceable.
        Reappearance = "5", "Ricomparsa (da irreperibilità)";
        /// Repatriation from AIRE.
        Repatriation = "6", "Rimpatrio (da AIRE)";
        /// Rectification after the census.
        CensusRectification = "7", "Rettifiche post censuarie";
        /// Domicile of a person without fixed abode.
        HomelessDomicile = "8", "Trasferimento di domicilio di un senza fissa dimora (da comune non subentrato o nato da genitori senza fissa dimora)";
        /// Other; the card must carry a note.
        Other = "9", "Altri motivi (descrizione da fornire a cura del comune)";
        /// Previous position restored.
        PreviousPositionRestored = "10", "Ripristino posizione precedente";
    }
}

code_table! {
    /// Reason of registration among citizens abroad (ANPR table 19).
    AireRegistrationReason, AireRegistrationReason {
        /// Expatriation or residence abroad.
        ExpatriationOrResidence = "C01", "Espatrio e/o residenza all' estero";
        /// Birth to a person registered in AIRE.
        Birth = "C02", "Nascita (stato civile), se figlio di iscritto all'A.I.R.E.";
        /// Transfer from the AIRE of another municipality.
        FromOtherAire = "C03", "Trasferimento dall' A.I.R.E. di un altro comune";
        /// Registered again after untraceability, residing abroad.
        Reregistration = "C04", "Reiscrizione da irreperibilita', se residente all' estero";
        /// Italian citizenship acquired while residing abroad.
        CitizenshipAcquired = "C05", "Acquisizione della cittadinanza italiana, se residente all'estero";
        /// Expatriation.
        Expatriation = "C06", "Espatrio";
        /// L. 15/1992, art. 11.
        Law15Of1992 = "C07", "Legge n. 15 del 16/01/1992, Art. 11";
        /// Other.
        Other = "C09", "Altro";
    }
}

code_table! {
    /// Reason of cancellation from the residents (*motivo di cancellazione*, ANPR table 15).
    AprCancellationReason, AprCancellationReason {
        /// Death.
        Death = "1", "Morte accertata";
        /// Presumed death declared by a court.
        PresumedDeath = "2", "Morte presunta giudizialmente dichiarata";
        /// Move to a municipality outside ANPR.
        MoveToOtherMunicipality = "3", "Trasferimento di residenza in comune non subentrato";
        /// Move of the domicile of a person without fixed abode.
        HomelessMove = "4", "Trasferimento di domicilio (senza fissa dimora)";
        /// Move abroad of a foreigner.
        ForeignerMovedAbroad = "5", "Trasferimento di residenza all’estero di uno straniero";
        /// Untraceability (*irreperibilità*).
        Untraceable = "6", "Irreperibilita";
        /// Declaration of dwelling or residence permit not renewed.
        DwellingOrPermitNotRenewed = "7", "Mancato rinnovo dimora abituale/permesso di soggiorno";
        /// Move abroad with registration in AIRE.
        MoveAbroadToAire = "8", "Trasferimento di residenza (iscrizione AIRE)";
        /// Rectification after the census.
        CensusRectification = "9", "Rettifiche post censuarie";
        /// Registered twice.
        DoubleRegistration = "10", "Doppia iscrizione";
        /// Italian citizenship lost.
        CitizenshipLost = "11", "Perdita della cittadinanza italiana";
        /// Previous position restored.
        PreviousPositionRestored = "12", "Ripristino posizione precedente";
        /// Other.
        Other = "13", "Altro";
    }
}

code_table! {
    /// Reason of cancellation from AIRE (ANPR table 28).
    AireCancellationReason, AireCancellationReason {
        /// Death.
        Death = "1", "Morte accertata";
        /// Presumed death declared by a court.
        PresumedDeath = "2", "Morte presunta giudizialmente dichiarata";
        /// Registered among residents by transfer from abroad.
        ReturnByTransfer = "3", "Iscrizione nell’APR di un comune non subentrato per trasferimento dall’estero";
        /// Registered among residents by immigration from abroad (DPR 136/1958, art. 14).
        ReturnByImmigration = "4", "Iscrizione nell’APR di un comune non subentrato per immigrazione dall’estero (art. 14 D.P.R 31/01/1958, n. 136)";
        /// Presumed untraceable.
        PresumedUntraceable = "5", "Irreperibilità presunta";
        /// Italian citizenship lost.
        CitizenshipLost = "6", "Perdita della cittadinanza";
        /// Transfer to the AIRE of another municipality.
        ToOtherAire = "7", "Trasferimento nell’AIRE di altro comune non subentrato.";
        /// Other.
        Other = "8", "Altro";
        /// Registered twice.
        DoubleRegistration = "10", "Doppia iscrizione";
    }
}

code_table! {
    /// Kind of address (*tipo indirizzo*, ANPR table 25).
    AddressKind, AddressKind {
        /// Residence.
        Residence = "1", "Residenza";
        /// Habitual dwelling.
        HabitualDwelling = "2", "Dimora abituale";
        /// Elected domicile.
        ElectedDomicile = "3", "Domicilio eletto";
        /// Residence abroad.
        ForeignResidence = "4", "Residenza estera";
        /// Care of somebody in Italy.
        CareOfItalian = "5", "\"Presso\" per località italiana";
        /// Care of somebody abroad.
        CareOfForeign = "6", "\"Presso\" per località estera";
        /// Last residence in Italy.
        LastItalianResidence = "7", "Ultima residenza italiana";
        /// Temporary residence.
        Temporary = "8", "Residenza temporanea";
        /// Other.
        Other = "9", "Altro";
        /// Revision of the street names.
        StreetRenaming = "10", "Revisione onomastica stradale";
        /// Rectified after checks.
        RectifiedAfterChecks = "11", "Rettifica post accertamenti";
    }
}

code_table! {
    /// What may be certified of a card (ANPR table 42).
    Certifiability, Certifiability {
        /// Nothing may be certified.
        None = "0", "NON CERTIFICABILE";
        /// Residence and family only.
        Partial = "1", "CERTIFICABILITA PARZIALE (SOLO RESIDENZA E STATO DI FAMIGLIA)";
        /// Everything.
        Full = "2", "CERTIFICABILITA COMPLETA";
        /// The person cannot be registered.
        NotRegistrable = "3", "SOGGETTO NON ISCRIVIBILE";
        /// Interdicted, under guardianship.
        Interdicted = "4", "INTERDETTO SOTTOPOSTO A TUTELA";
    }
}
