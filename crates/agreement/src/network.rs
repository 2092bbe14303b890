//! Networks from which an agreement may be used (R13).

use std::fmt;
use std::net::IpAddr;

/// A block of addresses in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no block of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not `address/prefix`.
    #[error("a network is written address/prefix")]
    Form,
    /// The prefix is longer than the address.
    #[error("the prefix is longer than the address")]
    Prefix,
    /// Bits are set beyond the prefix, so that it is not clear which block is meant.
    #[error("the address has bits set beyond the prefix")]
    HostBits,
}

impl Network {
    /// Reads `192.0.2.0/24` or `2001:db8::/32`.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').ok_or(NetworkError::Form)?;
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let plain_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        if !plain_number {
            return Err(NetworkError::Form);
        }
        let prefix: u8 = prefix.parse().map_err(|_| NetworkError::Prefix)?;
        let (bits, length) = bits(address);
        if length < prefix {
            return Err(NetworkError::Prefix);
        }
        if bits != bits & mask(prefix) {
            return Err(NetworkError::HostBits);
        }
        Ok(Self { address, prefix })
    }

    /// Whether `address` lies in the block. An IPv4 address written as IPv6 (`::ffff:192.0.2.1`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, own_length) = bits(self.address);
        let (other, other_length) = bits(address.to_canonical());
        own_length == other_length && own == other & mask(self.prefix)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// The bits of an address, highest first, and how many there are.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, inside: &[&str], outside: &[&str]) {
        let network = Network::parse(network).unwrap();
        for address in inside {
            assert!(
                network.contains(address.parse().unwrap()),
                "{address} lies in {network}"
            );
        }
        for address in outside {
            assert!(
                !network.contains(address.parse().unwrap()),
                "{address} lies outside {network}"
            );
        }
    }

    #[test]
    fn blocks_end_at_their_edges() {
        check(
            "192.0.2.0/24",
            &["192.0.2.0", "192.0.2.255"],
            &["192.0.1.255", "192.0.3.0", "2001:db8::1"],
        );
        check(
            "192.0.2.128/25",
            &["192.0.2.128", "192.0.2.255"],
            &["192.0.2.127"],
        );
        check("192.0.2.7/32", &["192.0.2.7"], &["192.0.2.6", "192.0.2.8"]);
        check(
            "0.0.0.0/0",
            &["0.0.0.0", "255.255.255.255"],
            &["::1", "2001:db8::1"],
        );
        check(
            "2001:db8::/32",
            &["2001:db8::", "2001:db8:ffff:ffff::1"],
            &["2001:db7:ffff::", "2001:db9::"],
        );
        check("2001:db8::/33", &["2001:db8:7fff::1"], &["2001:db8:8000::"]);
        check(
            "2001:db8::1/128",
            &["2001:db8::1"],
            &["2001:db8::", "2001:db8::2"],
        );
        check("::/0", &["::1", "ffff::"], &["192.0.2.1"]);
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_same_address() {
        check("192.0.2.0/24", &["::ffff:192.0.2.9"], &["::ffff:192.0.3.9"]);
    }

    #[test]
    fn what_is_not_one_block_is_refused() {
        let cases = [
            ("192.0.2.0", NetworkError::Form),
            ("192.0.2/24", NetworkError::Form),
            ("192.0.2.0/", NetworkError::Form),
            ("192.0.2.0/+8", NetworkError::Form),
            ("192.0.2.0/33", NetworkError::Prefix),
            ("192.0.2.0/999", NetworkError::Prefix),
            ("2001:db8::/129", NetworkError::Prefix),
            ("192.0.2.1/24", NetworkError::HostBits),
            ("2001:db8::1/64", NetworkError::HostBits),
        ];
        for (text, expect) in cases {
            assert_eq!(Network::parse(text), Err(expect), "{text}");
        }
        assert_eq!(Network::parse("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
    }
}
