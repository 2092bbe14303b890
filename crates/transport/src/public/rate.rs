//! Requests a minute, in all and for each address, in windows of a minute.
//!
//! A window holds no more addresses than it admits requests, so the bound on requests bounds the memory too.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::listener::counted_as;

const WINDOW: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Rate {
    most: u32,
    most_per_address: u32,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    all: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Rate {
    pub(super) fn new(most: u32, most_per_address: u32) -> Self {
        Self {
            most,
            most_per_address,
            window: Mutex::default(),
        }
    }

    /// Counts a request, or tells after what time to come back.
    pub(super) fn admit(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        // The counters are whole between any two statements, so a poisoned lock holds nothing broken.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let window = match &mut *window {
            Some(window) if now.saturating_duration_since(window.began) < WINDOW => window,
            over => over.insert(Window {
                began: now,
                all: 0,
                by_address: HashMap::new(),
            }),
        };
        let left = WINDOW.saturating_sub(now.saturating_duration_since(window.began));
        if self.most <= window.all {
            return Err(left);
        }
        let of_address = window.by_address.entry(counted_as(address)).or_default();
        if self.most_per_address <= *of_address {
            return Err(left);
        }
        *of_address += 1;
        window.all += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn requests_run_out_for_an_address_and_then_for_everybody_until_the_minute_is_over() {
        let rate = Rate::new(3, 2);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(rate.admit(address("192.0.2.1"), at(0)), Ok(()));
        assert_eq!(rate.admit(address("192.0.2.1"), at(10)), Ok(()));
        let wait = Duration::from_secs(40);
        assert_eq!(rate.admit(address("192.0.2.1"), at(20)), Err(wait));
        assert_eq!(rate.admit(address("192.0.2.2"), at(20)), Ok(()));
        assert_eq!(rate.admit(address("192.0.2.3"), at(20)), Err(wait), "everybody");
        assert_eq!(rate.admit(address("192.0.2.1"), at(60)), Ok(()));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_refusals_cost_no_memory() {
        let rate = Rate::new(2, 1);
        let now = Instant::now();
        assert_eq!(rate.admit(address("2001:db8:1:2::1"), now), Ok(()));
        assert!(rate.admit(address("2001:db8:1:2:ffff::9"), now).is_err());
        assert_eq!(rate.admit(address("2001:db8:1:3::1"), now), Ok(()));
        for last in 0..=255 {
            assert!(rate.admit(address(&format!("192.0.2.{last}")), now).is_err());
        }
        let held = rate.window.lock().unwrap();
        assert_eq!(held.as_ref().map(|window| window.by_address.len()), Some(2));
    }
}
