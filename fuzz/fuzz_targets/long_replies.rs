// SPDX-License-Identifier: LGPL-2.1-or-later
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| esmtp_fuzz::run("long_replies", data));
