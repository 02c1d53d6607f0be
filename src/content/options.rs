// SPDX-License-Identifier: LGPL-2.1-or-later
//! How a text is to be sent, and what is to be noted of it.

/// What is settled before a text begins.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How the server is told where the text ends.
    pub framing: Framing,
    /// What the body consists of.
    pub body: Body,
    /// Note how long each header is, and with [`Framing::Dots`] each line of the body.
    pub count: bool,
    /// Note each header that goes out.
    pub show_headers: bool,
}

/// How the server is told where a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// DATA: a line with nothing but a dot (RFC 5321 §4.1.1.4).
    Dots,
    /// BDAT: by its length (RFC 3030 §2), so that nothing is added.
    Chunks,
}

/// What a body consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Lines, as MIME calls 7bit and 8bit (RFC 2045 §2.7, §2.8).
    Lines,
    /// Any octets (RFC 3030 §3), which only [`Framing::Chunks`] can carry.
    Binary,
}
