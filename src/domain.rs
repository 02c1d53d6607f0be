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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u_labels_become_a_labels() {
        assert_eq!(to_a_labels("mail.example.org").as_deref(), Some("mail.example.org"));
        assert_eq!(to_a_labels("b\u{fc}cher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(to_a_labels("B\u{dc}CHER.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(to_a_labels("\u{2028}.example"), None);
        assert_eq!(to_a_labels("\u{fc} x.example"), None);
    }
}
