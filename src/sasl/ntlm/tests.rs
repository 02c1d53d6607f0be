// SPDX-License-Identifier: LGPL-2.1-or-later
//! Vectors: [MS-NLMP] §4.2.

use super::*;

const NONCE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const TARGET_INFO: &str = "02000c0044006f006d00610069006e0001000c00530065007200760065007200\
                           00000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| (digit(pair[0]) << 4) | digit(pair[1]))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn started(domain: &[u8], user: &[u8], passphrase: &[u8]) -> Ntlm {
    let mut ntlm = Ntlm::default();
    let credentials = Credentials {
        domain: Secret::from(domain),
        user: Secret::from(user),
        passphrase: Secret::from(passphrase),
    };
    let first = ntlm.start(credentials, &Channel::default()).unwrap().unwrap();
    assert_eq!(hex(&first), "4e544c4d53535000010000000782000000000000200000000000000020000000");
    ntlm
}

/// A challenge with these flags, the target "Server", and this description.
fn challenge(flags: u32, info: &[u8]) -> Vec<u8> {
    let mut message = bytes("4e544c4d53535000020000000c000c0038000000");
    message.extend(flags.to_le_bytes());
    message.extend(NONCE);
    message.extend([0; 8]);
    let length = u16::try_from(info.len()).unwrap().to_le_bytes();
    message.extend(length);
    message.extend(length);
    message.extend(68_u32.to_le_bytes());
    // A version, which nobody looks at.
    message.extend([6, 0, 0x70, 0x17, 0, 0, 0, 0x0f]);
    message.extend(bytes("530065007200760065007200"));
    message.extend(info);
    message
}

/// The parts of our answer: flags, LM, NT, domain, user, workstation, session key.
fn parts(answer: &[u8]) -> (u32, Vec<Vec<u8>>) {
    assert_eq!(&answer[..12], b"NTLMSSP\0\x03\0\0\0");
    let part = |at: usize| {
        let length: usize = u16::from_le_bytes(answer[at..at + 2].try_into().unwrap()).into();
        let start = u32::from_le_bytes(answer[at + 4..at + 8].try_into().unwrap()) as usize;
        answer[start..start + length].to_vec()
    };
    let flags = u32::from_le_bytes(answer[60..64].try_into().unwrap());
    (flags, (12..60).step_by(8).map(part).collect())
}

#[test]
fn version_1() {
    let responses = Responses::version_1(b"Password", NONCE).unwrap();
    assert_eq!(hex(&responses.lm), "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13");
    assert_eq!(hex(&responses.nt), "67c43011f30298a2ad35ece64f16331c44bdbed927841f94");
}

#[test]
fn version_2() {
    let info = bytes(TARGET_INFO);
    let responses =
        Responses::version_2(b"Domain", b"User", b"Password", NONCE, &info, 0, [0xaa; 8]).unwrap();
    assert_eq!(hex(&responses.lm), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa");
    let expected = format!(
        "68cd0ab851e51c96aabc927bebef6a1c01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000\
         {TARGET_INFO}00000000"
    );
    assert_eq!(hex(&responses.nt), expected);
}

#[test]
fn the_servers_time_goes_into_the_proof() {
    let info = bytes("07000800112233445566778800000000");
    let responses = Responses::version_2(b"D", b"U", b"P", NONCE, &info, 5, [0xaa; 8]).unwrap();
    assert_eq!(*responses.lm, [0; 24]);
    assert_eq!(hex(&responses.nt[24..32]), "1122334455667788");
}

#[test]
fn answer_without_description() {
    // Unicode, OEM, NTLM, and more that we do not do.
    let answer = started(b"Dom\xc3\xa4ne", b"User", b"Password").step(&challenge(0xe002_8203, b""));
    let answer = answer.unwrap();
    let (flags, parts) = parts(&answer);
    assert_eq!(flags, 0x8201);
    assert_eq!(hex(&parts[0]), "98def7b87f88aa5dafe2df779688a172def11c7d5ccdef13");
    assert_eq!(hex(&parts[1]), "67c43011f30298a2ad35ece64f16331c44bdbed927841f94");
    assert_eq!(hex(&parts[2]), "44006f006d00e4006e006500");
    assert_eq!(hex(&parts[3]), "5500730065007200");
    assert!(parts[4].is_empty() && parts[5].is_empty());
    assert_eq!(answer.len(), 64 + 48 + 12 + 8);
}

/// An old server says nothing of itself, or has no room for it: version 1.
#[test]
fn answer_to_a_server_that_does_not_say_that_it_describes_itself() {
    for message in [challenge(0x8205, &bytes(TARGET_INFO)), challenge(0x8205, b"")[..40].to_vec()] {
        let answer = started(b"Domain", b"User", b"Password").step(&message).unwrap();
        let (flags, parts) = parts(&answer);
        assert_eq!(flags, 0x8205);
        assert_eq!(*parts[1], *Responses::version_1(b"Password", NONCE).unwrap().nt);
    }
}

#[test]
fn answer_without_unicode() {
    let answer = started(b"Domain", b"User", b"Password").step(&challenge(0x8202, b"")).unwrap();
    let (flags, parts) = parts(&answer);
    assert_eq!(flags, 0x8202);
    assert_eq!(parts[2], b"Domain");
    assert_eq!(parts[3], b"User");
}

#[test]
fn answer_to_a_server_that_describes_itself() {
    let info = bytes(TARGET_INFO);
    let mut ntlm = started(b"Domain", b"User", b"Password");
    let answer = ntlm.step(&challenge(0x0080_8205, &info)).unwrap();
    let (flags, parts) = parts(&answer);
    assert_eq!(flags, 0x8205);
    let nt = &parts[1];
    assert_eq!(nt.len(), 16 + 28 + info.len() + 4);
    let time: u64 = u64::from_le_bytes(nt[24..32].try_into().unwrap());
    let client_nonce: [u8; 8] = nt[32..40].try_into().unwrap();
    let again =
        Responses::version_2(b"Domain", b"User", b"Password", NONCE, &info, time, client_nonce).unwrap();
    assert_eq!(parts[0], *again.lm);
    assert_eq!(*nt, *again.nt);
    // 2020 < now < 2100.
    assert!((132_223_104_000_000_000..157_469_184_000_000_000).contains(&time));
    assert!(ntlm.step(&challenge(0x0080_8205, &info)).is_err(), "one answer only");
}

/// The LAN Manager hash is one of the first 14 characters; other implementations agree.
#[test]
fn long_passwords() {
    let lm = |passphrase: &[u8]| hex(&Responses::version_1(passphrase, NONCE).unwrap().lm);
    assert_eq!(lm(b"abcdefghijklmnopq"), "5dc41d7890ab9f871127b4886a8e9cc1a54646db2d5bc367");
    assert_eq!(lm(b"ABCDEFGHIJKLMN"), lm(b"abcdefghijklmnopq"));
    let nt = hex(&Responses::version_1(b"abcdefghijklmnopq", NONCE).unwrap().nt);
    assert_eq!(nt, "ebd338023babd6921869a80e2ca0980cd1e27e7d6a1e6170");
}

#[test]
fn capitals_of_the_user() {
    let info = bytes(TARGET_INFO);
    let nt = |user: &str| {
        let user = user.as_bytes();
        hex(&Responses::version_2(b"D", user, b"P", NONCE, &info, 0, [0; 8]).unwrap().nt)
    };
    assert_eq!(nt("j\u{f6}rg"), nt("J\u{d6}RG"));
    assert_eq!(nt("stra\u{df}e"), nt("STRA\u{df}E"));
    assert_ne!(nt("stra\u{df}e"), nt("STRASSE"));
}

#[test]
fn utf16_of_text_and_of_other_bytes() {
    assert_eq!(hex(&utf16::utf16("a\u{e9}\u{1f600}".as_bytes())), "6100e9003dd800de");
    assert_eq!(hex(&utf16::utf16(b"a\xe9")), "6100e900");
}

#[test]
fn challenges_that_are_refused() {
    let good = challenge(0x0080_8205, &bytes(TARGET_INFO));
    let mut wrong_type = good.clone();
    wrong_type[8] = 3;
    let mut wrong_signature = good.clone();
    wrong_signature[0] = b'n';
    let mut far_away = good.clone();
    far_away[44..48].fill(0xff);
    let mut unending = good.clone();
    let length = unending.len();
    unending[length - 4..].fill(0x01);
    let mut bad = vec![wrong_type, wrong_signature, far_away, unending];
    bad.extend((0..good.len()).map(|length| good[..length].to_vec()));
    // A time that is none.
    bad.push(challenge(0x0080_8205, &bytes("070004001122334400000000")));
    for message in bad {
        assert!(started(b"d", b"u", b"p").step(&message).is_err(), "{}", hex(&message));
    }
    assert!(started(b"d", b"u", b"p").step(&good).is_ok());
}

#[test]
fn names_too_long_for_the_message() {
    let long = vec![b'u'; 40_000];
    assert!(started(b"d", &long, b"p").step(&challenge(0x8201, b"")).is_err());
    assert!(started(b"d", &long, b"p").step(&challenge(0x8202, b"")).is_ok());
}

#[test]
fn nothing_before_the_start() {
    assert!(Ntlm::default().step(&challenge(0x8201, b"")).is_err());
}

#[test]
fn time_is_counted_from_1601() {
    assert_eq!(since_1601(Duration::ZERO), 116_444_736_000_000_000);
    // 1 January 2000, 12:34:56.789012345.
    assert_eq!(since_1601(Duration::new(946_730_096, 789_012_345)), 125_912_036_967_890_123);
    assert!(now() > 133_000_000_000_000_000, "it is later than 2022");
}
