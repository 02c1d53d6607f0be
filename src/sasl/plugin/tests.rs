// SPDX-License-Identifier: LGPL-2.1-or-later
//! A plug-in that is part of the test program. Its state counts the calls and keeps the
//! last response.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::sasl::request::{self, flags};
use crate::sasl::{ClientRequest, Context, Due};

/// A text of a field that the library asks for.
pub(in crate::sasl) fn text(pointer: *const c_char) -> &'static CStr {
    // SAFETY: the fields' texts are C string literals.
    unsafe { CStr::from_ptr(pointer) }
}

struct State {
    response: Vec<u8>,
}

unsafe extern "C-unwind" fn init(context: *mut c_void) -> c_int {
    let state = Box::into_raw(Box::new(State { response: Vec::new() }));
    // SAFETY: the caller shows where the state goes.
    unsafe { context.cast::<*mut State>().write(state) };
    1
}

unsafe extern "C-unwind" fn init_fails(_context: *mut c_void) -> c_int {
    0
}

static DESTROYED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C-unwind" fn destroy(context: *mut c_void) {
    DESTROYED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: made by `init`, and given back once.
    drop(unsafe { Box::from_raw(context.cast::<State>()) });
}

unsafe extern "C-unwind" fn destroy_must_not_run(_context: *mut c_void) {
    panic!("there is no state");
}

/// Asks for the user on the start, and answers with it; gives each challenge back behind a
/// `>`; has nothing to say to `?`.
unsafe extern "C-unwind" fn response(
    context: *mut c_void,
    challenge: *const c_char,
    len: *mut c_int,
    interact: Option<InteractFunction>,
    arg: *mut c_void,
) -> *const c_char {
    // SAFETY: made by `init`, used by one call at a time.
    let state = unsafe { &mut *context.cast::<State>() };
    if challenge.is_null() {
        let mut answer = ptr::null_mut();
        // SAFETY: the test's callback fills one answer with a C string.
        let ok = unsafe { interact.unwrap()(request::LOGIN.as_ptr(), &raw mut answer, 1, arg) };
        assert_eq!(ok, 1);
        // SAFETY: as above.
        state.response = unsafe { CStr::from_ptr(answer) }.to_bytes().to_vec();
    } else {
        // SAFETY: the caller gives a length that goes with the challenge.
        let length = usize::try_from(unsafe { *len }).unwrap();
        // SAFETY: as above, and a NUL follows.
        let challenge = unsafe { std::slice::from_raw_parts(challenge.cast::<u8>(), length + 1) };
        let (nul, challenge) = challenge.split_last().unwrap();
        assert_eq!(*nul, 0);
        if challenge == b"?" {
            return ptr::null();
        }
        state.response = [b">", challenge].concat();
    }
    // SAFETY: the caller's length.
    unsafe { *len = c_int::try_from(state.response.len()).unwrap() };
    state.response.as_ptr().cast()
}

unsafe extern "C-unwind" fn response_is_nothing(
    _context: *mut c_void,
    _challenge: *const c_char,
    _len: *mut c_int,
    _interact: Option<InteractFunction>,
    _arg: *mut c_void,
) -> *const c_char {
    ptr::null()
}

unsafe extern "C-unwind" fn response_of_negative_length(
    _context: *mut c_void,
    _challenge: *const c_char,
    len: *mut c_int,
    _interact: Option<InteractFunction>,
    _arg: *mut c_void,
) -> *const c_char {
    // SAFETY: the caller's length.
    unsafe { *len = -1 };
    c"text".as_ptr()
}

/// Turns each byte round; `!` is what it cannot do, nothing comes of `-`, nothing that is there of `?`.
unsafe extern "C-unwind" fn recode(
    context: *mut c_void,
    to: *mut *mut c_char,
    to_len: *mut c_int,
    from: *const c_char,
    from_len: c_int,
) -> c_int {
    // SAFETY: made by `init`, used by one call at a time.
    let state = unsafe { &mut *context.cast::<State>() };
    let length = usize::try_from(from_len).unwrap();
    // SAFETY: the caller gives text of this length.
    let text = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
    match text {
        b"!" => {
            // SAFETY: the caller's length.
            unsafe { *to_len = -1 };
        }
        b"-" => {}
        b"?" => {
            // SAFETY: the caller's length.
            unsafe { *to_len = 1 };
        }
        _ => {
            state.response = text.iter().map(|byte| !byte).collect();
            // SAFETY: the caller's pointer.
            unsafe { *to = state.response.as_mut_ptr().cast() };
            // SAFETY: the caller's length.
            unsafe { *to_len = from_len };
        }
    }
    0
}

unsafe extern "C-unwind" fn interact(
    _request: *const ClientRequest,
    result: *mut *mut c_char,
    _fields: c_int,
    _arg: *mut c_void,
) -> c_int {
    // SAFETY: the plug-in shows where one answer goes.
    unsafe { *result = c"user".as_ptr().cast_mut() };
    1
}

const INTERACT: Interact = Interact { function: interact, arg: ptr::null_mut() };

const CLIENT: Client = Client {
    keyword: c"TEST".as_ptr(),
    description: c"a test".as_ptr(),
    init: Some(init),
    destroy: Some(destroy),
    response: Some(response),
    flags: 0,
    ssf: 0,
    encode: None,
    decode: None,
};

/// Makes a plug-in known under a name. It stays as long as the result.
fn register(name: &str, client: Client) -> Arc<Plugin> {
    let plugin = Arc::new(Plugin::new(ptr::null_mut(), client).unwrap());
    loaded().insert(file_name(name).unwrap(), Arc::clone(&plugin));
    plugin
}

fn context() -> Arc<Context> {
    let context = Context::new();
    context.set_interact(Some(INTERACT));
    context
}

/// Does the call that is due.
fn called(context: &Context, due: Due) -> Due {
    match due {
        // SAFETY: the callback is the test's.
        Due::Plugin(call) => context.plugin_responded(unsafe { call.call(INTERACT) }),
        other => other,
    }
}

fn bytes(due: Due) -> Option<Vec<u8>> {
    match due {
        Due::Respond(response) => response.map(|secret| secret.to_vec()),
        _ => panic!("no response"),
    }
}

#[test]
fn only_names_of_mechanisms_become_names_of_files() {
    assert_eq!(file_name("GS2_KRB5-PLUS").as_deref(), Some("sasl-gs2_krb5-plus.so"));
    assert_eq!(file_name("x").as_deref(), Some("sasl-x.so"));
    for bad in ["", "../X", "A/B", "A.B", "A B", "A\0", "\u{c4}", "ABCDEFGHIJKLMNOPQRSTU"] {
        assert!(file_name(bad).is_none(), "{bad}");
    }
}

#[test]
fn what_is_not_a_plugin_is_not_loaded() {
    assert!(Plugin::find("NO-SUCH-PLUGIN").is_err());
    assert!(Plugin::load(c"/nonexistent/sasl-x.so").is_none());
    // A shared object without the symbol.
    assert!(Plugin::load(c"libc.so.6").is_none());
    let no_response = Client { response: None, ..CLIENT };
    assert!(Plugin::new(ptr::null_mut(), no_response).is_none());
}

#[test]
fn an_exchange() {
    let _plugin = register("EXCHANGE", CLIENT);
    let context = context();
    context.select("Exchange").unwrap();
    // SAFETY: the name of the selected mechanism is a C string.
    assert_eq!(unsafe { CStr::from_ptr(context.mechanism_name()) }, c"EXCHANGE");
    let before = DESTROYED.load(Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(bytes(called(&context, context.begin(None))).unwrap(), b"user");
        assert_eq!(bytes(called(&context, context.begin(Some(b"a\0b")))).unwrap(), b">a\0b");
        assert_eq!(bytes(called(&context, context.begin(Some(b"")))).unwrap(), b">");
    }
    assert!(matches!(called(&context, context.begin(Some(b"?"))), Due::Failed));
    assert!(DESTROYED.load(Ordering::SeqCst) >= before + 2);
    assert!(matches!(context.begin(Some(b"")), Due::Failed));
}

/// The application may select another mechanism while the plug-in asks it.
#[test]
fn state_outlives_a_call_that_is_under_way() {
    let plugin = register("REENTRANT", CLIENT);
    let context = context();
    context.select("REENTRANT").unwrap();
    let Due::Plugin(call) = context.begin(None) else {
        panic!("no call");
    };
    context.select("CRAM-MD5").unwrap();
    // SAFETY: the callback is the test's.
    let response = unsafe { call.call(INTERACT) };
    assert_eq!(&**response.as_ref().unwrap(), b"user");
    assert!(matches!(context.plugin_responded(response), Due::Failed));
    assert_eq!(Arc::strong_count(&plugin), 3);
    drop(call);
    assert_eq!(Arc::strong_count(&plugin), 2);
}

#[test]
fn nothing_as_initial_response() {
    let nothing = Client {
        init: None,
        destroy: None,
        response: Some(response_is_nothing),
        ..CLIENT
    };
    let _plugin = register("NOTHING", nothing);
    let context = context();
    context.select("NOTHING").unwrap();
    assert!(bytes(called(&context, context.begin(None))).is_none());
    assert!(matches!(called(&context, context.begin(Some(b"x"))), Due::Failed));
}

#[test]
fn a_negative_length_is_no_response() {
    let negative = Client {
        response: Some(response_of_negative_length),
        ..CLIENT
    };
    let _plugin = register("NEGATIVE", negative);
    let context = context();
    context.select("NEGATIVE").unwrap();
    assert!(bytes(called(&context, context.begin(None))).is_none());
}

#[test]
fn no_state_no_exchange() {
    let fails = Client {
        init: Some(init_fails),
        destroy: Some(destroy_must_not_run),
        ..CLIENT
    };
    let _plugin = register("FAILS", fails);
    let context = context();
    context.select("FAILS").unwrap();
    assert!(matches!(context.begin(None), Due::Failed));
}

#[test]
fn flags_and_strength_count() {
    let plain = Client { flags: 2, ssf: 56, ..CLIENT };
    let _plugin = register("STRONG", plain);
    let context = context();
    assert!(context.select("STRONG").is_err());
    context.change_flags(flags::PLAIN, 0);
    context.set_min_ssf(57);
    assert!(context.select("STRONG").is_err());
    context.set_min_ssf(56);
    context.select("STRONG").unwrap();
    assert_eq!(context.ssf(), Some(56));
}

#[test]
fn security_layer() {
    let layered = Client {
        ssf: 1,
        encode: Some(recode),
        decode: Some(recode),
        ..CLIENT
    };
    let _plugin = register("LAYERED", layered);
    let context = context();
    context.select("LAYERED").unwrap();
    assert!(context.security_layer().is_none());
    assert!(bytes(called(&context, context.begin(None))).is_some());
    assert!(context.succeeded());
    let layer = context.security_layer().unwrap();
    // It is the connection's, whatever becomes of the context.
    drop(context);
    assert_eq!(layer.encode(b"\x00\x0f").unwrap(), b"\xff\xf0");
    assert_eq!(layer.decode(b"\xff\xf0").unwrap(), b"\x00\x0f");
    assert!(layer.encode(b"!").is_err());
    assert!(layer.decode(b"!").is_err());
    assert!(layer.encode(b"?").is_err());
    assert!(layer.decode(b"?").is_err());
    assert!(layer.encode(b"-").is_err());
    assert_eq!(layer.decode(b"-").unwrap(), b"");
}

#[test]
fn no_security_layer_without_strength() {
    let weak = Client {
        encode: Some(recode),
        decode: Some(recode),
        ..CLIENT
    };
    let _plugin = register("WEAK", weak);
    let context = context();
    context.select("WEAK").unwrap();
    assert!(bytes(called(&context, context.begin(None))).is_some());
    assert!(context.succeeded());
    assert!(context.security_layer().is_none());
}

#[test]
fn only_what_nobody_uses_is_unloaded() {
    let plugin = register("USED", CLIENT);
    let context = context();
    context.select("USED").unwrap();
    drop(plugin);
    unload_unused();
    assert!(bytes(called(&context, context.begin(None))).is_some());
    context.select("CRAM-MD5").unwrap();
    assert!(Plugin::find("USED").is_ok());
    unload_unused();
    assert!(Plugin::find("USED").is_err());
    unload_unused();
}
