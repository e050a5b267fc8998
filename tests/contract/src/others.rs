//! How often anything in this network tried to reach an address beyond it, as the system counts that.
//!
//! In a network that has only loopback there is no route to anybody else, and each try to send there adds one to a counter
//! of the network: `OutNoRoutes` of IPv4 and of IPv6 (proc_net(5); a connection that cannot begin counts, and so does a question
//! to a name server elsewhere). A question to a name server that does not run on loopback counts as `NoPorts` of UDP.

use std::{
    fs,
    net::{Ipv4Addr, UdpSocket},
};

/// Nobody has this address (RFC 5737).
const NOBODY: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// Counts tries from now on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries(u64);

impl Tries {
    /// None where tries are not counted: where others can be reached, nothing is refused. One try shows which it is.
    pub(crate) fn counted() -> Option<Self> {
        let before = Self(sum());
        let went = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| socket.connect(NOBODY));
        (went.is_err() && before.since() == 1).then(Self::begin)
    }

    pub(crate) fn begin() -> Self {
        Self(sum())
    }

    /// Tries since then.
    pub(crate) fn since(self) -> u64 {
        sum() - self.0
    }
}

/// All tries in this network so far.
fn sum() -> u64 {
    let old = fs::read_to_string("/proc/net/snmp").unwrap();
    let new = fs::read_to_string("/proc/net/snmp6").unwrap_or_default();
    of_table(&old, "Ip:", "OutNoRoutes")
        + of_table(&old, "Udp:", "NoPorts")
        + of_list(&new, "Ip6OutNoRoutes")
        + of_list(&new, "Udp6NoPorts")
}

/// A counter of a line of names that is followed by a line of numbers.
fn of_table(text: &str, line: &str, name: &str) -> u64 {
    let mut lines = text.lines().filter_map(|text| text.strip_prefix(line));
    let (names, numbers) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let place = names.split_whitespace().position(|known| known == name);
    let number = place.and_then(|place| numbers.split_whitespace().nth(place)?.parse().ok());
    number.unwrap_or_else(|| panic!("the system does not count {line} {name}"))
}

/// A counter of a list; a system without IPv6 has none.
fn of_list(text: &str, name: &str) -> u64 {
    let number = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    number.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_by_their_names() {
        let table = "Ip: Forwarding OutNoRoutes\nIp: 1 7\nUdp: InDatagrams NoPorts\nUdp: 3 2\n";
        assert_eq!((of_table(table, "Ip:", "OutNoRoutes"), of_table(table, "Udp:", "NoPorts")), (7, 2));
        assert_eq!(of_list("Ip6OutNoRoutes                  \t5\n", "Ip6OutNoRoutes"), 5);
        assert_eq!(of_list("", "Ip6OutNoRoutes"), 0);
    }
}
