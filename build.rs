// SPDX-License-Identifier: LGPL-2.1-or-later
//! Compiles the two functions that only C can define, and declares the conditions under
//! which the headers show some functions.

/// Conditions of the C headers (see `cbindgen.toml`). In Rust all of them always hold: the
/// functions are exported whatever a C program defines.
const HEADER_CONDITIONS: [&str; 3] = ["header_shows_auth", "header_shows_deprecated", "header_shows_tls"];

fn main() {
    for condition in HEADER_CONDITIONS {
        println!("cargo::rustc-check-cfg=cfg({condition})");
        println!("cargo::rustc-cfg={condition}");
    }
    println!("cargo::rerun-if-changed=src/ffi/variadic.c");
    println!("cargo::rerun-if-env-changed=ESMTP_PLUGIN_DIR");
    println!("cargo::rerun-if-env-changed=ESMTP_CONFIG_DIR");
    cc::Build::new()
        .file("src/ffi/variadic.c")
        .std("c99")
        .warnings(true)
        .extra_warnings(true)
        .flag_if_supported("-pedantic")
        .compile("esmtp_variadic");
}
