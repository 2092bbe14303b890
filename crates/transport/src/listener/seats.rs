//! Places for connections, in all and for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::door::ConnectionFault;

#[derive(Debug)]
pub(super) struct Seats {
    most: usize,
    most_per_address: usize,
    taken: Arc<Mutex<Taken>>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    address: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Seats {
    pub(super) fn new(most: usize, most_per_address: usize) -> Self {
        Self {
            most,
            most_per_address,
            taken: Arc::default(),
        }
    }

    pub(super) fn take(&self, address: IpAddr) -> Result<Seat, ConnectionFault> {
        let address = counted_as(address);
        let mut taken = lock(&self.taken);
        if self.most <= taken.all {
            return Err(ConnectionFault::TooManyConnections);
        }
        let of_address = taken.by_address.get(&address).copied().unwrap_or(0);
        if self.most_per_address <= of_address {
            return Err(ConnectionFault::TooManyFromAddress);
        }
        taken.all += 1;
        taken.by_address.insert(address, of_address + 1);
        Ok(Seat {
            address,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all = taken.all.saturating_sub(1);
        let left = taken
            .by_address
            .get(&self.address)
            .map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            taken.by_address.remove(&self.address);
        } else {
            taken.by_address.insert(self.address, left);
        }
    }
}

/// Whoever has one IPv6 address has the whole /64 network.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The counters are whole between any two statements, so a poisoned lock holds nothing broken.
fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[track_caller]
    fn refused(seats: &Seats, from: &str, expect: ConnectionFault) {
        assert_eq!(seats.take(address(from)).map(|_| ()), Err(expect));
    }

    #[test]
    fn places_run_out_for_an_address_and_then_for_everybody() {
        let seats = Seats::new(3, 2);
        let first = seats.take(address("192.0.2.1")).unwrap();
        let _second = seats.take(address("192.0.2.1")).unwrap();
        refused(&seats, "192.0.2.1", ConnectionFault::TooManyFromAddress);
        let _third = seats.take(address("192.0.2.2")).unwrap();
        refused(&seats, "192.0.2.3", ConnectionFault::TooManyConnections);
        drop(first);
        let _fourth = seats.take(address("192.0.2.1")).unwrap();
        refused(&seats, "192.0.2.1", ConnectionFault::TooManyConnections);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let seats = Seats::new(8, 1);
        let _first = seats.take(address("2001:db8:1:2::1")).unwrap();
        refused(
            &seats,
            "2001:db8:1:2:ffff::9",
            ConnectionFault::TooManyFromAddress,
        );
        let _other = seats.take(address("2001:db8:1:3::1")).unwrap();
    }

    #[test]
    fn an_address_without_connections_leaves_nothing_behind() {
        let seats = Seats::new(8, 1);
        drop(seats.take(address("192.0.2.1")).unwrap());
        assert_eq!(lock(&seats.taken).all, 0);
        assert!(lock(&seats.taken).by_address.is_empty());
    }
}
