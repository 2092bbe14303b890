//! Questions about who is resident at an address.

use agreement::claim::{AddressClaim, ResidenceClaim};
use agreement::request::{Asked, Request};
use registry::normal::name_key;

use super::claim::address_claim;
use super::consultation::{fields, request};
use super::invalid::{Invalid, Rule, Within, required};
use super::receipt::{ReceiptChoice, receipt_choice};
use crate::proto::consultation::v1 as wire;

/// A call for the residents of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentsLookup {
    /// What is asked for, and on what ground; it is limited to the municipality of the address.
    pub request: Request,
    /// Where.
    pub address: ResidenceClaim,
    /// The same as it was asked, for the sealed part of the entry: name and value of each criterion.
    pub criteria: Vec<(String, String)>,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

impl TryFrom<wire::LookupAddressResidentsRequest> for ResidentsLookup {
    type Error = Invalid;

    fn try_from(message: wire::LookupAddressResidentsRequest) -> Result<Self, Invalid> {
        let wire::LookupAddressResidentsRequest {
            context,
            address,
            municipality: code,
            read_mask,
            receipt_form,
        } = message;
        let asked = Asked::Residents {
            fields: fields("read_mask", read_mask)?,
        };
        let request = request(context, asked, &code)?;
        let municipality = required("municipality", request.municipality)?;
        let address = address_claim(required("address", address)?).within("address")?;
        if name_key(&address.street).is_empty() {
            return Err(Invalid::new("address.street", Rule::Character));
        }
        Ok(Self {
            criteria: criteria(code, &address),
            request,
            address: ResidenceClaim {
                municipality,
                address,
            },
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

fn criteria(municipality: String, address: &AddressClaim) -> Vec<(String, String)> {
    let AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
    } = address;
    let species = species.map(|species| species.code().to_string());
    let number = number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let stated = [
        ("municipality", municipality),
        ("species", species.unwrap_or_default()),
        ("street", street.clone()),
        ("number", number),
        ("suffix", suffix.clone()),
        ("staircase", staircase.clone()),
        ("unit", unit.clone()),
    ];
    stated
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
