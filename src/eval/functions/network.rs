//! Functions on IP network addresses.
use std::net::{Ipv4Addr, Ipv6Addr};

use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::ToPrimitive;

use super::arguments::Arguments;
use super::call::{FunctionError, Outcome};
use super::table::{Function, Parameter, Run};
use crate::model::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "cidrhost",
        about: "Returns the address of a host in a network.",
        parameters: &[
            Parameter::string("prefix", "a network such as `10.0.0.0/8`"),
            Parameter::number("hostnum", "which host; below zero it counts from the end"),
        ],
        rest: None,
        run: Run::Plain(cidrhost),
    },
    Function {
        name: "cidrnetmask",
        about: "Returns the mask of an IPv4 network, such as `255.0.0.0`.",
        parameters: &[Parameter::string("prefix", "a network such as `10.0.0.0/8`")],
        rest: None,
        run: Run::Plain(cidrnetmask),
    },
    Function {
        name: "cidrsubnet",
        about: "Returns a network inside a network.",
        parameters: &[
            Parameter::string("prefix", "a network such as `10.0.0.0/8`"),
            Parameter::number("newbits", "by how many bits the prefix gets longer"),
            Parameter::number("netnum", "which of the networks of that length"),
        ],
        rest: None,
        run: Run::Plain(cidrsubnet),
    },
    Function {
        name: "cidrsubnets",
        about: "Returns networks inside a network, one after the other.",
        parameters: &[Parameter::string("prefix", "a network such as `10.0.0.0/8`")],
        rest: Some(Parameter::number("newbits", "by how many bits each prefix gets longer, at most 32")),
        run: Run::Plain(cidrsubnets),
    },
];

/// A network: the bits of its first address, and how many of them are the prefix.
#[derive(Clone, Copy)]
struct Network {
    first: u128,
    prefix: u32,
    /// 32 or 128.
    bits: u32,
}

impl Network {
    /// Reads an address, a slash and a length. What is behind the prefix is set to zero.
    fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let (address, bits) = match parse_ipv4(address) {
            Some(address) => (u128::from(address), 32),
            None => (u128::from(address.parse::<Ipv6Addr>().ok()?), 128),
        };
        let is_number = !length.is_empty() && length.len() <= 4 && length.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = if is_number { length.parse().ok()? } else { return None };
        if prefix > bits {
            return None;
        }
        let network = Self { first: 0, prefix, bits };
        Some(Self { first: address & !network.hosts(), ..network })
    }

    /// Returns the bits that are not of the prefix, all set.
    fn hosts(&self) -> u128 {
        match self.bits - self.prefix {
            128 => u128::MAX,
            free => (1 << free) - 1,
        }
    }

    fn address(&self, address: u128) -> String {
        if self.bits == 32 {
            Ipv4Addr::from(u32::try_from(address).unwrap_or(u32::MAX)).to_string()
        } else {
            let address = Ipv6Addr::from(address);
            address.to_ipv4_mapped().map_or_else(|| address.to_string(), |mapped| mapped.to_string())
        }
    }

    fn text(&self) -> String {
        format!("{}/{}", self.address(self.first), self.prefix)
    }
}

/// Leading zeros are decimal zeros.
fn parse_ipv4(text: &str) -> Option<u32> {
    let mut address = 0_u32;
    let parts: Vec<_> = text.split('.').collect();
    if parts.len() != 4 {
        return None;
    }
    for part in parts {
        if part.is_empty() || part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let byte = part.parse::<u32>().ok().filter(|byte| *byte <= 255)?;
        address = (address << 8) | byte;
    }
    Some(address)
}

fn network(arguments: &Arguments) -> Result<Network, FunctionError> {
    let text = arguments.string(0);
    Network::parse(text)
        .ok_or_else(|| FunctionError::at(0, format!("invalid CIDR expression: invalid CIDR address: {text}")))
}

fn cidrhost(arguments: &Arguments) -> Outcome {
    let network = network(arguments)?;
    let number = arguments.number(1).decimal();
    if !number.is_integer() {
        return Err(FunctionError::at(1, "value must be a whole number"));
    }
    let (integer, _) = number.with_scale(0).into_bigint_and_scale();
    let from_start = if integer < BigInt::ZERO { integer.clone() + network.hosts() + 1_u32 } else { integer.clone() };
    let host = from_start.to_u128().filter(|host| *host <= network.hosts()).ok_or_else(|| {
        let message = format!("prefix of {} does not accommodate a host numbered {integer}", network.prefix);
        FunctionError::at(1, message)
    })?;
    Ok(Value::string(network.address(network.first | host)))
}

fn cidrnetmask(arguments: &Arguments) -> Outcome {
    let network = network(arguments)?;
    if network.bits == 128 {
        let message = format!("IPv6 addresses cannot have a netmask: {}", arguments.string(0));
        return Err(FunctionError::at(0, message));
    }
    Ok(Value::string(network.address(!network.hosts() & u128::from(u32::MAX))))
}

fn cidrsubnet(arguments: &Arguments) -> Outcome {
    let network = network(arguments)?;
    let (new_bits, number) = (arguments.natural(1)?, arguments.number(2));
    let longer = u32::try_from(new_bits).ok().and_then(|new_bits| network.prefix.checked_add(new_bits));
    let Some(prefix) = longer.filter(|prefix| *prefix <= network.bits) else {
        let message = format!("insufficient address space to extend prefix of {} by {new_bits}", network.prefix);
        return Err(FunctionError::at(1, message));
    };
    if !number.decimal().is_integer() {
        return Err(FunctionError::at(2, "value must be a whole number"));
    }
    let count = Network { prefix: network.bits - (prefix - network.prefix), ..network }.hosts();
    let place = number.decimal().to_u128().filter(|place| *place <= count).ok_or_else(|| {
        let message = format!("prefix extension of {new_bits} does not accommodate a subnet numbered {number}");
        FunctionError::at(2, message)
    })?;
    let first = network.first | place.checked_shl(network.bits - prefix).unwrap_or(0);
    Ok(Value::string(Network { first, prefix, ..network }.text()))
}

fn cidrsubnets(arguments: &Arguments) -> Outcome {
    let network = network(arguments)?;
    let mut subnets = Vec::new();
    let mut next = Some(network.first);
    for index in 1..=arguments.rest(1).len() {
        let new_bits = arguments.integer(index)?;
        let prefix = longer_prefix(network, new_bits).map_err(|message| FunctionError::at(index, message.0))?;
        let free = Network { prefix, ..network }.hosts();
        // The next network begins at a multiple of its own size.
        let first = next.and_then(|next| next.checked_add(free)).map(|end| end & !free);
        let first = first.filter(|first| (first | free) & !network.hosts() == network.first).ok_or_else(|| {
            let after = subnets.last().map_or_else(|| network.text(), |last: &Network| last.text());
            let message =
                format!("not enough remaining address space for a subnet with a prefix of {prefix} bits after {after}");
            FunctionError::at(index, message)
        })?;
        subnets.push(Network { first, prefix, ..network });
        next = first.checked_add(free).and_then(|last| last.checked_add(1));
    }
    Ok(Value::list(subnets.iter().map(|subnet| Value::string(subnet.text())).collect()))
}

/// Says why a prefix cannot be extended so.
struct PrefixError(String);

fn longer_prefix(network: Network, new_bits: i64) -> Result<u32, PrefixError> {
    match u32::try_from(new_bits) {
        Err(_) | Ok(0) if new_bits < 1 => Err(PrefixError("must extend prefix by at least one bit".to_owned())),
        Ok(new_bits) if new_bits <= 32 && network.prefix + new_bits <= network.bits => Ok(network.prefix + new_bits),
        Ok(new_bits) if new_bits <= 32 => {
            let version = if network.bits == 32 { "IPv4" } else { "IPv6" };
            let bits = network.prefix + new_bits;
            Err(PrefixError(format!("would extend prefix to {bits} bits, which is too long for an {version} address")))
        }
        _ => Err(PrefixError("may not extend prefix by more than 32 bits".to_owned())),
    }
}
