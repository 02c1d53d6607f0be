// SPDX-License-Identifier: LGPL-2.1-or-later
//! Compiles what only C can say, and declares the conditions under
//! which the headers show some functions.

/// Conditions of the C headers (see `cbindgen.toml`). In Rust all of them always hold: the
/// functions are exported whatever a C program defines.
const HEADER_CONDITIONS: [&str; 3] = ["header_shows_auth", "header_shows_deprecated", "header_shows_tls"];

/// The functions with variable arguments, and the system's `time_t`.
const C_FILES: [&str; 2] = ["src/ffi/variadic.c", "src/host/clock.c"];

fn main() {
    for condition in HEADER_CONDITIONS {
        println!("cargo::rustc-check-cfg=cfg({condition})");
        println!("cargo::rustc-cfg={condition}");
    }
    for file in C_FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    println!("cargo::rerun-if-env-changed=ESMTP_PLUGIN_DIR");
    println!("cargo::rerun-if-env-changed=ESMTP_CONFIG_DIR");
    cc::Build::new()
        .files(C_FILES)
        .std("c99")
        .warnings(true)
        .extra_warnings(true)
        .flag_if_supported("-pedantic")
        .compile("esmtp_c");
}
