//! Chooses the proxy on the way to a server, as kubectl does.
use std::net::IpAddr;

use http::Uri;

use super::ClusterError;

/// Returns the proxy: that of the kubeconfig always, that of the environment unless the server is exempt from it.
pub(super) fn choose(
    configured: Option<&str>,
    server: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, ClusterError> {
    if let Some(address) = configured.filter(|address| !address.is_empty()) {
        return read(address, "the kubeconfig's `proxy-url`").map(Some);
    }
    let either = |name: &str| {
        let mut values = [name.to_owned(), name.to_lowercase()].into_iter().filter_map(|name| variable(&name));
        values.find(|value| !value.is_empty())
    };
    let name = if server.scheme_str() == Some("http") { "HTTP_PROXY" } else { "HTTPS_PROXY" };
    match either(name) {
        Some(address) if !is_exempt(server, &either("NO_PROXY").unwrap_or_default()) => {
            read(&address, &format!("`{name}`")).map(Some)
        }
        _ => Ok(None),
    }
}

/// Reads the address of a proxy, which may bear a password and is never repeated.
fn read(address: &str, place: &str) -> Result<Uri, ClusterError> {
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    // The way through SOCKS leaves names to the proxy either way.
    let address = address.replacen("socks5h://", "socks5://", 1);
    let uri = address.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https" | "socks5")));
    uri.ok_or_else(|| ClusterError::Proxy { place: place.to_owned() })
}

/// Tells whether the environment's proxy is not for a server: `NO_PROXY` names it, or it is this very machine.
///
/// The rules are those of Go (<https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config>).
fn is_exempt(server: &Uri, list: &str) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.').to_lowercase();
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let address: Option<IpAddr> = host.parse().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    list.split(',').map(|entry| entry.trim().to_lowercase()).any(|entry| match address {
        _ if entry == "*" => true,
        Some(address) => covers(&entry, address, port),
        None => names(&entry, &host, port),
    })
}

/// Tells whether an entry of `NO_PROXY` is an address, or a range of addresses, that holds this one.
fn covers(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Some((network, length)) = entry.split_once('/') {
        let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
        return match (network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let dropped = 32_u32.saturating_sub(length);
                network.to_bits().checked_shr(dropped) == address.to_bits().checked_shr(dropped)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let dropped = 128_u32.saturating_sub(length);
                network.to_bits().checked_shr(dropped) == address.to_bits().checked_shr(dropped)
            }
            _ => false,
        };
    }
    let is_address = |text: &str| text.trim_matches(['[', ']']).parse() == Ok(address);
    is_address(entry) || entry.rsplit_once(':').is_some_and(|(host, its)| its.parse() == Ok(port) && is_address(host))
}

/// Tells whether an entry of `NO_PROXY` is a name that holds this one: `a.b` and `.a.b` hold `c.a.b`.
fn names(entry: &str, host: &str, port: u16) -> bool {
    let (name, its) = entry.split_once(':').map_or((entry, None), |(name, its)| (name, Some(its)));
    if its.is_some_and(|its| its.parse() != Ok(port)) {
        return false;
    }
    let name = name.strip_prefix('*').unwrap_or(name);
    let domain = name.trim_start_matches('.');
    let is_below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    !domain.is_empty() && (is_below || !name.starts_with('.') && host == domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(configured: Option<&str>, server: &str, variables: &[(&str, &str)], expected: Option<&str>) {
        let variable = |name: &str| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        let server = server.parse().expect("an address");
        let found = choose(configured, &server, variable).expect("a good address");
        assert_eq!(found.map(|uri| uri.to_string()).as_deref(), expected, "{server} {variables:?}");
    }

    #[test]
    fn the_kubeconfig_comes_before_the_environment() {
        let environment = [("HTTPS_PROXY", "http://p:1"), ("http_proxy", "q:2"), ("NO_PROXY", "*")];
        check(Some("http://k:3"), "https://127.0.0.1:6443", &environment, Some("http://k:3/"));
        check(Some("socks5h://k:3"), "https://h", &[], Some("socks5://k:3/"));
        check(Some(""), "https://h", &environment[..2], Some("http://p:1/"));
        check(None, "http://h", &environment[..2], Some("http://q:2/"));
        check(None, "https://h", &[], None);
    }

    #[test]
    fn this_machine_is_reached_without_the_environments_proxy() {
        for server in ["https://127.0.0.1:6443", "https://localhost", "https://[::1]:6443", "https://127.9.9.9"] {
            check(None, server, &[("HTTPS_PROXY", "http://p:1")], None);
        }
    }

    #[test]
    fn exemptions_are_gos() {
        let exempt = |server: &str, list: &str, is_exempt: bool| {
            let expected = if is_exempt { None } else { Some("http://p:1/") };
            check(None, server, &[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", list)], expected);
        };
        exempt("https://10.1.2.3:6443", "10.0.0.0/8", true);
        exempt("https://11.1.2.3:6443", "10.0.0.0/8", false);
        exempt("https://10.1.2.3:6443", "10.1.2.3", true);
        exempt("https://10.1.2.3:6443", "10.1.2.3:6443", true);
        exempt("https://10.1.2.3:6443", "10.1.2.3:443", false);
        exempt("https://[fd00::1]:6443", "fd00::/16", true);
        exempt("https://[fd00::1]:6443", "[fd00::1]:6443", true);
        exempt("https://10.1.2.3", "0.0.0.0/0", true);
        exempt("https://api.team.example:6443", "localhost, team.example,", true);
        exempt("https://api.team.example:6443", ".Example", true);
        exempt("https://api.team.example:6443", "*.team.example", true);
        exempt("https://team.example", ".team.example", false);
        exempt("https://myteam.example", "team.example", false);
        exempt("https://team.example", "team.example:443", true);
        exempt("https://team.example:6443", "team.example:443", false);
        exempt("https://team.example", ",", false);
    }

    #[test]
    fn an_address_that_is_none_is_told_without_its_password() {
        let server = "https://h".parse().expect("an address");
        let error = choose(Some("ftp://user:hunter22@p"), &server, |_| None).expect_err("it is no proxy");
        assert_eq!(error.to_string(), "the kubeconfig's `proxy-url` is no address of an HTTP or SOCKS5 proxy");
        assert!(!format!("{error:?}").contains("hunter22"));
    }
}
