// SPDX-License-Identifier: LGPL-2.1-or-later
//! Commands as they go to the wire.

use std::io::Write as _;

use zeroize::Zeroizing;

use super::envelope::{BodyType, ByMode, DeliverBy, EtrnOption, Notify, Return};
use super::position::{MessageAt, NodeAt, RecipientRun};

/// A command; what it says of a message is the session's to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `EHLO` with our name.
    Ehlo,
    /// `HELO` with our name.
    Helo,
    /// `STARTTLS`.
    StartTls,
    /// A line of an AUTH exchange, without its CRLF.
    Auth(Zeroizing<Vec<u8>>),
    /// `ETRN` for a node.
    Etrn {
        /// Which one.
        node: NodeAt,
    },
    Xusr,
    /// `MAIL FROM`.
    Mail {
        /// Which one.
        message: MessageAt,
        /// Seconds for `BY=` in place of the application's.
        by_seconds: Option<i64>,
        /// With `SMTPUTF8`.
        utf8: bool,
    },
    /// `RCPT TO`, one for each of some recipients.
    Rcpt {
        /// Whose they are.
        message: MessageAt,
        /// Which ones.
        recipients: RecipientRun,
        /// The transaction has `SMTPUTF8`.
        utf8: bool,
    },
    Data,
    /// The lone dot that ends a text of which nothing was sent.
    EndOfData,
    /// `BDAT` with the last line end of a text and nothing else.
    LastChunk,
    Rset,
    Quit,
}

impl Command {
    /// How many lines it is, each of which has its reply.
    #[must_use]
    pub const fn lines(&self) -> usize {
        match self {
            Self::Rcpt { recipients, .. } => recipients.count(),
            _ => 1,
        }
    }
}

/// `MAIL FROM` with the parameters that the server's extensions allow.
#[derive(Debug, Clone, Default)]
pub struct Mail<'a> {
    /// The reverse path without brackets, empty for the null path.
    pub reverse_path: &'a [u8],
    /// `SIZE=` in bytes (RFC 1870).
    pub size: Option<u64>,
    /// `RET=` (RFC 3461 §4.3).
    pub ret: Option<Return>,
    /// `ENVID=`, encoded (RFC 3461 §4.4).
    pub envelope_id: Option<&'a [u8]>,
    /// `BODY=` (RFC 6152, RFC 3030).
    pub body: Option<BodyType>,
    /// `BY=` (RFC 2852).
    pub by: Option<DeliverBy>,
    /// `SMTPUTF8` (RFC 6531).
    pub utf8: bool,
}

impl Mail<'_> {
    /// Appends the command line.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MAIL FROM:<");
        out.extend_from_slice(self.reverse_path);
        out.push(b'>');
        if let Some(size) = self.size {
            decimal(out, b" SIZE=", size);
        }
        match self.ret {
            Some(Return::Full) => out.extend_from_slice(b" RET=FULL"),
            Some(Return::Headers) => out.extend_from_slice(b" RET=HDRS"),
            None => {}
        }
        if let Some(id) = self.envelope_id {
            out.extend_from_slice(b" ENVID=");
            out.extend_from_slice(id);
        }
        if let Some(body) = self.body {
            out.extend_from_slice(match body {
                BodyType::SevenBit => b" BODY=7BIT".as_slice(),
                BodyType::EightBit => b" BODY=8BITMIME",
                BodyType::Binary => b" BODY=BINARYMIME",
            });
        }
        if let Some(by) = self.by {
            write_by(by, out);
        }
        if self.utf8 {
            out.extend_from_slice(b" SMTPUTF8");
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn write_by(by: DeliverBy, out: &mut Vec<u8>) {
    out.extend_from_slice(if by.seconds < 0 { b" BY=-" } else { b" BY=" });
    decimal(out, b"", by.seconds.unsigned_abs());
    out.extend_from_slice(match by.mode {
        ByMode::Notify => b";N",
        ByMode::Return => b";R",
    });
    if by.trace {
        out.push(b'T');
    }
}

/// `RCPT TO` with its DSN parameters.
#[derive(Debug, Clone, Default)]
pub struct Rcpt<'a> {
    /// The forward path without brackets.
    pub mailbox: &'a [u8],
    /// `NOTIFY=` (RFC 3461 §4.1).
    pub notify: Option<Notify>,
    /// `ORCPT=`, encoded (RFC 3461 §4.2).
    pub original: Option<&'a [u8]>,
}

impl Rcpt<'_> {
    /// Appends the command line.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"RCPT TO:<");
        out.extend_from_slice(self.mailbox);
        out.push(b'>');
        match self.notify {
            None => {}
            Some(Notify::Never) => out.extend_from_slice(b" NOTIFY=NEVER"),
            Some(Notify::On { success, failure, delay }) => {
                let mut separator: &[u8] = b" NOTIFY=";
                for (wanted, name) in [(success, &b"SUCCESS"[..]), (failure, b"FAILURE"), (delay, b"DELAY")] {
                    if wanted {
                        out.extend_from_slice(separator);
                        out.extend_from_slice(name);
                        separator = b",";
                    }
                }
            }
        }
        if let Some(original) = self.original {
            out.extend_from_slice(b" ORCPT=");
            out.extend_from_slice(original);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Appends `VERB argument`.
pub fn write_verb(verb: &[u8], argument: &[u8], out: &mut Vec<u8>) {
    // All of it at once: the line may be a secret, and a buffer that grows leaves its old self
    // behind.
    out.reserve(verb.len() + argument.len() + b" \r\n".len());
    out.extend_from_slice(verb);
    if !argument.is_empty() {
        out.push(b' ');
        out.extend_from_slice(argument);
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `ETRN [option]domain` (RFC 1985 §5).
pub fn write_etrn(option: EtrnOption, domain: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(match option {
        EtrnOption::Host => b"ETRN ".as_slice(),
        EtrnOption::Subdomains => b"ETRN @",
    });
    out.extend_from_slice(domain);
    out.extend_from_slice(b"\r\n");
}

/// Appends `BDAT` for a chunk whose octets follow (RFC 3030 §2).
pub fn write_bdat(octets: usize, last: bool, out: &mut Vec<u8>) {
    decimal(out, b"BDAT ", octets);
    out.extend_from_slice(if last { b" LAST\r\n" } else { b"\r\n" });
}

fn decimal<N: std::fmt::Display>(out: &mut Vec<u8>, before: &[u8], value: N) {
    out.extend_from_slice(before);
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::super::position::RecipientAt;
    use super::*;

    fn mail(mail: &Mail<'_>) -> String {
        let mut out = Vec::new();
        mail.write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn mail_without_parameters() {
        assert_eq!(mail(&Mail::default()), "MAIL FROM:<>\r\n");
    }

    #[test]
    fn mail_with_everything() {
        let by = DeliverBy::new(-120, ByMode::Notify, true).expect("valid");
        let all = Mail {
            reverse_path: b"a@b",
            size: Some(1000),
            ret: Some(Return::Headers),
            envelope_id: Some(b"x+2B"),
            body: Some(BodyType::EightBit),
            by: Some(by),
            utf8: true,
        };
        assert_eq!(
            mail(&all),
            "MAIL FROM:<a@b> SIZE=1000 RET=HDRS ENVID=x+2B BODY=8BITMIME BY=-120;NT SMTPUTF8\r\n"
        );
    }

    #[test]
    fn the_time_of_by_has_a_sign_only_below_zero() {
        for (seconds, text) in [(-1, " BY=-1;N"), (0, " BY=0;N"), (1, " BY=1;N")] {
            let mut out = Vec::new();
            write_by(
                DeliverBy {
                    seconds,
                    mode: ByMode::Notify,
                    trace: false,
                },
                &mut out,
            );
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn verbs_with_and_without_argument() {
        for (verb, argument, line) in [("QUIT", "", "QUIT\r\n"), ("EHLO", "a.example", "EHLO a.example\r\n")]
        {
            let mut out = Vec::new();
            write_verb(verb.as_bytes(), argument.as_bytes(), &mut out);
            assert_eq!(out, line.as_bytes());
        }
        // A secret is not copied into a buffer that is left behind.
        let mut out = Vec::new();
        write_verb(&[b'x'; 3000], &[b'y'; 2000], &mut out);
        assert_eq!(out.capacity(), 3000 + 2000 + 3);
    }

    #[test]
    fn rcpt_with_everything() {
        let rcpt = Rcpt {
            mailbox: b"c@d",
            notify: Some(Notify::On {
                success: true,
                failure: false,
                delay: true,
            }),
            original: Some(b"rfc822;x"),
        };
        let mut out = Vec::new();
        rcpt.write(&mut out);
        assert_eq!(out, b"RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x\r\n");
    }

    #[test]
    fn bdat_with_and_without_last() {
        let mut out = Vec::new();
        write_bdat(86, false, &mut out);
        write_bdat(0, true, &mut out);
        assert_eq!(out, b"BDAT 86\r\nBDAT 0 LAST\r\n");
    }

    #[test]
    fn each_recipient_has_a_line() {
        let message = MessageAt::FIRST;
        for count in 1..4 {
            let recipients =
                RecipientRun::new(RecipientAt::new(5)..RecipientAt::new(5 + count)).expect("some");
            assert_eq!(Command::Rcpt { message, recipients, utf8: false }.lines(), count);
        }
        assert_eq!(Command::Data.lines(), 1);
    }

    #[test]
    fn etrn_with_and_without_option() {
        let mut out = Vec::new();
        write_etrn(EtrnOption::Host, b"example.org", &mut out);
        write_etrn(EtrnOption::Subdomains, b"example.org", &mut out);
        assert_eq!(out, b"ETRN example.org\r\nETRN @example.org\r\n");
    }
}
