// SPDX-License-Identifier: LGPL-2.1-or-later
//! Internationalised domain names (RFC 5890) in the form that DNS, SMTP and certificates know.

/// A domain with its U-labels as A-labels; `None` if one of them has none.
#[must_use]
pub(crate) fn to_a_labels(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_owned());
    }
    idna::domain_to_ascii_strict(domain).ok()
}

/// Longest domain (RFC 5321 §4.5.3.1.2).
const DOMAIN_MAX: usize = 255;
/// Longest label (RFC 1035 §2.3.4).
const LABEL_MAX: usize = 63;

/// Whether a name is a domain as SMTP has them: labels of letters, digits and hyphens, none of
/// which begins or ends with a hyphen (RFC 5321 §4.1.2).
pub(crate) fn is_domain(name: &[u8]) -> bool {
    name.len() <= DOMAIN_MAX && name.split(|byte| *byte == b'.').all(is_label)
}

fn is_label(label: &[u8]) -> bool {
    let (Some(first), Some(last)) = (label.first(), label.last()) else {
        return false;
    };
    label.len() <= LABEL_MAX
        && first.is_ascii_alphanumeric()
        && last.is_ascii_alphanumeric()
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_of_smtp() {
        for name in ["host", "my-host", "mail.example.org", "1", "a--b.x", "xn--bcher-kva.example"] {
            assert!(is_domain(name.as_bytes()), "{name}");
        }
        for name in ["", "my_host", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "h\u{f6}st", "a b", "[::1]"]
        {
            assert!(!is_domain(name.as_bytes()), "{name}");
        }
        let label = "x".repeat(63);
        assert!(is_domain(label.as_bytes()) && !is_domain(format!("{label}x").as_bytes()));
        let longest = [label.as_str(); 4].join(".");
        assert_eq!(longest.len(), 255);
        assert!(is_domain(longest.as_bytes()) && !is_domain(format!("{longest}.x").as_bytes()));
    }

    #[test]
    fn u_labels_become_a_labels() {
        assert_eq!(to_a_labels("mail.example.org").as_deref(), Some("mail.example.org"));
        assert_eq!(to_a_labels("b\u{fc}cher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(to_a_labels("B\u{dc}CHER.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(to_a_labels("\u{2028}.example"), None);
        assert_eq!(to_a_labels("\u{fc} x.example"), None);
    }
}
