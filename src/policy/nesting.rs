// SPDX-License-Identifier: LGPL-2.1-or-later
//! How deep a text goes. The parser calls itself for each list within a list, on the stack of
//! whatever thread of the host's sends mail.

use super::fault::{Mistake, Position};

/// Lists and tables within each other; the format needs three.
const DEPTH_MAX: usize = 8;
/// Dots in one line outside strings; each may be a table within a table.
const DOTS_MAX: usize = 16;

/// Looks for brackets and dots outside strings and comments.
pub(super) fn check(text: &str) -> Result<(), Mistake> {
    let mistake = |at: usize, what: &str| {
        let position = Position::of(text, at);
        Err(Mistake { position, text: what.to_owned() })
    };
    let bytes = text.as_bytes();
    let (mut at, mut depth, mut dots) = (0, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        at += match byte {
            b'#' => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            b'"' | b'\'' => string_length(rest),
            b'[' | b'{' if depth == DEPTH_MAX => {
                return mistake(at, "lists and tables too deep in each other");
            }
            b'.' if dots == DOTS_MAX => return mistake(at, "too many dots in a line"),
            b'[' | b'{' => {
                depth += 1;
                1
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                1
            }
            b'.' => {
                dots += 1;
                1
            }
            b'\n' => {
                dots = 0;
                1
            }
            _ => 1,
        };
    }
    Ok(())
}

/// The length of a string that begins here, with its quotes; one that does not end where it must
/// is left to the parser.
fn string_length(text: &[u8]) -> usize {
    let Some(quote) = text.first().copied() else {
        return 1;
    };
    let long = [quote; 3];
    let is_long = text.starts_with(&long);
    let mut at = if is_long { 3 } else { 1 };
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 1,
            b'\n' if !is_long => return at,
            byte if *byte == quote && !is_long => return at + 1,
            byte if *byte == quote && text.get(at..).is_some_and(|rest| rest.starts_with(&long)) => {
                return at + 3;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<String> {
        check(text).err().map(|mistake| mistake.position.to_string())
    }

    #[test]
    fn what_the_format_needs_is_not_deep() {
        assert_eq!(place(include_str!("../../examples/policy.toml")), None);
        assert_eq!(place("x = [[[[[[[[]]]]]]]]\ny = [[[[[[[[]]]]]]]]"), None);
        assert_eq!(place("a.a.a.a.a.a.a.a.a\na.a.a.a.a.a.a.a.a"), None);
    }

    #[test]
    fn what_is_too_deep_is_told_where_it_is() {
        assert_eq!(place("a = 1\nx = [[[[[[[[[").as_deref(), Some("2:13"));
        assert_eq!(place("x = [[\n{a = [\n[{b = [[[").as_deref(), Some("3:9"));
        assert_eq!(place(&"a.".repeat(17)).as_deref(), Some("1:34"));
    }

    #[test]
    fn strings_and_comments_are_not_looked_at() {
        for text in [
            "# [[[[[[[[[[\n",
            "x = \"[[[[[[[[[[\"",
            "x = '[[[[[[[[[['",
            "x = \"\\\"[[[[[[[[[[\"",
            "x = '\\' # [[[[[[[[[[",
            "x = \"\"\"\n[[[[[ \" [[[[[\n\"\"\"",
            "x = '''\n[[[[[ '' [[[[[\n'''",
            "x = \"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\"",
            "x = \"[[[[[[[[[[",
            "x = \"\\",
            "\"",
        ] {
            assert_eq!(place(text), None, "{text}");
        }
        // A string ends with its line, however it began.
        assert!(place("x = \"\n[[[[[[[[[").is_some());
    }
}
