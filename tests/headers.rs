// SPDX-License-Identifier: LGPL-2.1-or-later
//! The committed C headers are those that cbindgen makes from the sources.
//! `UPDATE_HEADERS=1 cargo test --test headers` writes them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A header and the sources, in the order in which their parts appear.
struct Header {
    file: &'static str,
    about: &'static str,
    guard: &'static str,
    sources: &'static [&'static str],
    macros: &'static str,
}

const LIBESMTP: Header = Header {
    file: "libesmtp.h",
    about: "Submitting mail over SMTP.",
    guard: "_libesmtp_h",
    sources: &[
        "src/ffi/types.rs",
        "src/ffi/version.rs",
        "src/ffi/error.rs",
        "src/ffi/session.rs",
        "src/ffi/message.rs",
        "src/ffi/header.rs",
        "src/ffi/source.rs",
        "src/ffi/recipient.rs",
        "src/ffi/status.rs",
        "src/ffi/extensions.rs",
        "src/ffi/etrn.rs",
        "src/ffi/starttls.rs",
        "src/ffi/application_data.rs",
    ],
    macros: "\
/**
 * The message's text is read from an open FILE, from its beginning.
 */
#define smtp_set_message_fp(message,fp) \\
  smtp_set_messagecb ((message), _smtp_message_fp_cb, (fp))

/**
 * The message's text is a NUL-terminated string, which must live until it is sent.
 */
#define smtp_set_message_str(message,str) \\
  smtp_set_messagecb ((message), _smtp_message_str_cb, (str))

",
};

const AUTH_CLIENT: Header = Header {
    file: "auth-client.h",
    about: "Authentication (SASL) for libesmtp.h, which is included after this.",
    guard: "_auth_client_h",
    sources: &["src/sasl/request.rs", "src/ffi/auth.rs"],
    macros: "",
};

impl Header {
    fn generate(&self, root: &Path) -> String {
        let Self { about, guard, macros, .. } = self;
        let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml");
        config.header = Some(format!(
            "/* SPDX-License-Identifier: LGPL-2.1-or-later\n *\n * {about} */\n\n\
             #ifndef {guard}\n#define {guard}"
        ));
        // Not cbindgen's own, whose comments are not those of C89.
        config.after_includes = Some("\n#ifdef __cplusplus\nextern \"C\" {\n#endif".into());
        config.trailer = Some(format!("{macros}#ifdef __cplusplus\n}}\n#endif\n\n#endif"));
        let mut builder = cbindgen::Builder::new().with_config(config);
        for source in self.sources {
            builder = builder.with_src(root.join(source));
        }
        let mut text = Vec::new();
        builder.generate().expect("the sources are understood").write(&mut text);
        let text = String::from_utf8(text).expect("text");
        // C89 knows no comma behind the last name of an enum.
        format!("{}\n", text.replace(",\n}", "\n}"))
    }

    fn path(&self, root: &Path) -> PathBuf {
        root.join("include").join(self.file)
    }
}

#[test]
fn headers_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_HEADERS").is_some();
    for header in [LIBESMTP, AUTH_CLIENT] {
        let generated = header.generate(root);
        if update {
            fs::create_dir_all(root.join("include")).expect("writable");
            fs::write(header.path(root), &generated).expect("writable");
        }
        let committed = fs::read_to_string(header.path(root)).unwrap_or_default();
        assert!(
            generated == committed,
            "{} is out of date: UPDATE_HEADERS=1 cargo test --test headers",
            header.file
        );
    }
}
