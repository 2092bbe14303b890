//! The agreements of the stories: three agencies with different rights.

use agreement::context::AgreementId;

/// An agreement's document and the agency that holds it.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// Id of the agreement.
    pub id: &'static str,
    /// Id of the agency, without trust domain and role.
    pub agency: &'static str,
    /// The document.
    pub text: &'static str,
}

/// Police, the whole region.
pub const POLICE: Document = Document {
    id: "questura-2026",
    agency: "questura-bo",
    text: include_str!("../data/agreements/police.toml"),
};

/// A public body, two municipalities.
pub const PUBLIC_BODY: Document = Document {
    id: "asl-imola-2026",
    agency: "asl-imola",
    text: include_str!("../data/agreements/public-body.toml"),
};

/// A trade association, one municipality, verification alone.
pub const ASSOCIATION: Document = Document {
    id: "confcommercio-2026",
    agency: "confcommercio",
    text: include_str!("../data/agreements/association.toml"),
};

/// All of them.
pub const ALL: [Document; 3] = [POLICE, PUBLIC_BODY, ASSOCIATION];

impl Document {
    /// The agreement's id.
    ///
    /// # Panics
    /// When it is none.
    pub fn agreement(&self) -> AgreementId {
        AgreementId::parse(self.id).expect("an id")
    }
}

#[cfg(test)]
mod tests {
    use agreement::document::AgreementDocument;

    use super::*;
    use crate::authority::Authority;

    #[test]
    fn every_fixture_is_an_agreement_of_its_agency() {
        for document in ALL {
            let agreement = AgreementDocument::parse(document.text.as_bytes()).expect("a document");
            assert_eq!(agreement.terms().id.as_str(), document.id);
            assert_eq!(
                agreement.terms().agency,
                Authority::id(agreement::peer::Role::Agency, document.agency)
            );
        }
    }
}
