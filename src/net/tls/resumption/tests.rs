// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which sessions are used again, and which never.

use std::ffi::CStr;
use std::io::Read as _;
use std::net::TcpListener;
use std::thread::JoinHandle;

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslOptions, SslVerifyMode};

use super::super::tests::{Client, Folder, Issued, Template, dns, server_builder, soon};
use super::super::trust::Loading;
use super::super::{Secured, TlsContext};
use super::*;
use crate::net::Stream;

const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];
const HOST: &CStr = c"mx.example.org";

/// A server that says of each connection whether it was resumed.
struct Server {
    address: SocketAddr,
    thread: JoinHandle<Vec<bool>>,
}

impl Server {
    /// For each of its connections, one after the other, a context and how many tickets it
    /// sends (RFC 8446 §4.6.1).
    fn start(turns: Vec<(SslContext, usize)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("address");
        let thread = std::thread::spawn(move || {
            let serve = |(context, tickets): &(SslContext, usize)| {
                let (socket, _) = listener.accept().expect("accepts");
                socket.set_read_timeout(Some(Duration::from_secs(30))).expect("time-out");
                let mut ssl = Ssl::new(context).expect("ssl");
                ssl.set_num_tickets(*tickets).expect("number");
                let mut stream = ssl.accept(socket).expect("shakes hands");
                // A word, so that the client has seen what came before it; then its goodbye.
                stream.ssl_write(b".").expect("writes");
                let _ = stream.read(&mut [0; 16]);
                stream.ssl().session_reused()
            };
            turns.iter().map(serve).collect()
        });
        Self { address, thread }
    }

    fn resumed(self) -> Vec<bool> {
        self.thread.join().expect("the server is fine")
    }
}

/// The server's certificate and an authority that is trusted.
struct Scene {
    folder: Folder,
    issued: Issued,
    context: TlsContext,
}

impl Scene {
    fn new() -> Self {
        let authority = Template::authority();
        let folder = Folder::trusting(&authority.certificate_pem());
        let issued = authority.issue(&Template {
            names: vec![dns("mx.example.org"), dns("other.example.org")],
            ..Template::host("mx.example.org")
        });
        let context = context(&folder);
        Self { folder, issued, context }
    }

    fn server_context(&self, version: SslVersion) -> SslContext {
        self.server_context_with(version, |_| ())
    }

    fn server_context_with(
        &self,
        version: SslVersion,
        more: impl FnOnce(&mut SslContextBuilder),
    ) -> SslContext {
        let mut builder = server_builder(&self.issued);
        builder.set_min_proto_version(Some(version)).expect("version");
        builder.set_max_proto_version(Some(version)).expect("version");
        builder.set_session_id_context(b"test").expect("context");
        more(&mut builder);
        builder.build()
    }

    /// A server that serves so many connections.
    fn server(&self, version: SslVersion, connections: usize) -> Server {
        Server::start(vec![(self.server_context(version), 2); connections])
    }

    fn client(&self) -> Client<'_> {
        self.client_of(HOST)
    }

    fn client_of<'a>(&self, host: &'a CStr) -> Client<'a> {
        Client {
            context: Some(self.context.clone()),
            ..Client::new(host, &self.folder)
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.context.sessions().expect("kept").0.lock().expect("no panic")
    }
}

fn context(folder: &Folder) -> TlsContext {
    TlsContext::with_config(Some(&folder.config()), Loading::OnDemand)
        .expect("context")
        .resuming()
}

fn open(client: &Client<'_>, server: &Server) -> (Stream, Secured) {
    let socket = std::net::TcpStream::connect(server.address).expect("connects");
    socket.set_nonblocking(true).expect("non-blocking");
    let mut stream = Stream::new(socket);
    let secured = stream.secure(client.setup(), soon()).expect("TLS");
    let mut word = 0;
    while word == 0 {
        stream.receive(soon(), |bytes| word += bytes.len()).expect("a word");
    }
    (stream, secured)
}

/// A connection from beginning to end.
fn visit(client: &Client<'_>, server: &Server) -> Secured {
    let (stream, secured) = open(client, server);
    stream.close();
    secured
}

#[test]
fn a_further_session_is_resumed_and_shows_the_same() {
    for version in VERSIONS {
        let scene = Scene::new();
        let server = scene.server(version, 3);
        for resumed in [false, true, true] {
            let (stream, secured) = open(&scene.client(), &server);
            assert_eq!(secured.resumed, resumed);
            assert!(secured.is_verified());
            assert_eq!(secured.identity, Some(Identity::Matches));
            // SAFETY: the object lives as long as the stream.
            let ssl = unsafe { SslRef::from_ptr(secured.ssl) };
            assert_eq!(ssl.verify_result().as_raw(), openssl_sys::X509_V_OK);
            let shown = ssl.peer_certificate().expect("a certificate");
            assert_eq!(shown.to_der().expect("DER"), scene.issued.certificate.to_der().expect("DER"));
            assert!(ssl.peer_cert_chain().is_some());
            stream.close();
        }
        assert_eq!(server.resumed(), [false, true, true]);
    }
}

#[test]
fn a_ticket_is_used_once() {
    let scene = Scene::new();
    let context = scene.server_context(SslVersion::TLS1_3);
    let server = Server::start(vec![(context.clone(), 2), (context.clone(), 0), (context, 0)]);
    for _ in 0..3 {
        visit(&scene.client(), &server);
    }
    assert_eq!(server.resumed(), [false, true, false]);
}

#[test]
fn another_name_and_another_server_are_not_the_same() {
    for version in VERSIONS {
        let scene = Scene::new();
        let server = scene.server(version, 3);
        let elsewhere = Server::start(vec![(scene.server_context(version), 2)]);
        visit(&scene.client(), &server);
        visit(&scene.client_of(c"other.example.org"), &server);
        visit(&scene.client(), &elsewhere);
        visit(&scene.client(), &server);
        assert_eq!(server.resumed(), [false, false, true]);
        assert_eq!(elsewhere.resumed(), [false]);
    }
}

#[test]
fn what_was_not_in_order_is_never_resumed() {
    for version in VERSIONS {
        let scene = Scene::new();
        let server = scene.server(version, 2);
        for _ in 0..2 {
            let secured = visit(&scene.client_of(c"wrong.example.org"), &server);
            assert_ne!(secured.identity, Some(Identity::Matches));
        }
        assert_eq!(server.resumed(), [false, false]);

        let stranger = Scene { folder: Folder::new(), ..Scene::new() };
        let stranger = Scene {
            context: context(&stranger.folder),
            ..stranger
        };
        let server = stranger.server(version, 2);
        for _ in 0..2 {
            assert!(!visit(&stranger.client(), &server).is_verified());
        }
        assert_eq!(server.resumed(), [false, false]);
        assert!(stranger.store().entries.is_empty());
    }
}

#[test]
fn a_session_belongs_to_the_certificate_that_was_shown() {
    for version in VERSIONS {
        let scene = Scene::new();
        let asking = scene.server_context_with(version, |builder| {
            builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        });
        let server = Server::start(vec![(asking, 2); 5]);
        let write = |name| {
            let template = Template {
                common_name: Some(name),
                ..Template::default()
            };
            scene.folder.write("private/smtp-starttls.pem", &template.self_signed().pem(), 0o600);
        };
        write("joe");
        for _ in 0..2 {
            assert_eq!(visit(&scene.client(), &server).client_name.as_deref(), Some(c"joe"));
        }
        write("ann");
        assert_eq!(visit(&scene.client(), &server).client_name.as_deref(), Some(c"ann"));
        std::fs::remove_file(scene.folder.path().join("private/smtp-starttls.pem")).expect("removes");
        for _ in 0..2 {
            assert_eq!(visit(&scene.client(), &server).client_name, None);
        }
        assert_eq!(server.resumed(), [false, true, false, false, true]);
    }
}

#[test]
fn a_server_that_has_forgotten_is_met_anew() {
    for version in VERSIONS {
        let scene = Scene::new();
        let (before, after) = (scene.server_context(version), scene.server_context(version));
        let server = Server::start(vec![(before, 2), (after.clone(), 2), (after, 2)]);
        for _ in 0..3 {
            assert!(visit(&scene.client(), &server).is_verified());
        }
        assert_eq!(server.resumed(), [false, false, true]);
    }
}

#[test]
fn without_the_extended_master_secret_nothing_is_kept() {
    // OpenSSL's SSL_OP_NO_EXTENDED_MASTER_SECRET, which its crate lacks.
    const WITHOUT: u64 = 1;
    let scene = Scene::new();
    let context = scene.server_context_with(SslVersion::TLS1_2, |builder| {
        builder.set_options(SslOptions::from_bits_retain(WITHOUT));
    });
    let server = Server::start(vec![(context, 2); 2]);
    visit(&scene.client(), &server);
    visit(&scene.client(), &server);
    assert_eq!(server.resumed(), [false, false]);
}

#[test]
fn a_connection_that_broke_leaves_no_session() {
    let scene = Scene::new();
    let server = scene.server(SslVersion::TLS1_3, 2);
    drop(open(&scene.client(), &server));
    visit(&scene.client(), &server);
    assert_eq!(server.resumed(), [false, false]);
}

#[test]
fn verdicts_age_and_are_not_inherited() {
    let scene = Scene::new();
    let server = scene.server(SslVersion::TLS1_3, 5);
    visit(&scene.client(), &server);
    let old = scene.store().entries[0].1.facts.believed_until;
    assert!(old <= Instant::now() + BELIEVED);
    visit(&scene.client(), &server);
    // To resume a session makes its verdict no younger.
    assert_eq!(scene.store().entries[0].1.facts.believed_until, old);
    scene.store().entries[0].1.facts.believed_until = Instant::now();
    visit(&scene.client(), &server);
    scene.store().process = 0;
    visit(&scene.client(), &server);
    // Held elsewhere, as a fork could leave it.
    let held = scene.store();
    visit(&scene.client(), &server);
    drop(held);
    assert_eq!(server.resumed(), [false, true, false, false, false]);
}

#[test]
fn a_certificate_that_ends_soon_is_not_believed_longer() {
    let template = Template {
        valid: (-3600, 60),
        ..Template::host("mx.example.org")
    };
    let left = still_valid(&template.self_signed().certificate).expect("valid");
    assert!(left <= Duration::from_secs(60) && left > Duration::ZERO, "{left:?}");
    let template = Template { valid: (-3600, -60), ..template };
    assert_eq!(still_valid(&template.self_signed().certificate), None);
}

#[test]
fn the_oldest_of_many_servers_is_forgotten() {
    let scene = Scene::new();
    let server = scene.server(SslVersion::TLS1_3, 1);
    visit(&scene.client(), &server);
    server.resumed();
    let sessions = scene.context.sessions().expect("kept");
    let (key, saved) = scene.store().entries.pop_front().expect("a session");
    let key = |port| Key {
        server: SocketAddr::new(key.server.ip(), port),
        ..key.clone()
    };
    let entry = || Saved {
        session: saved.session.clone(),
        facts: saved.facts.clone(),
    };
    for port in 1..=66 {
        sessions.put(key(port), entry());
        sessions.put(key(port), entry());
    }
    assert_eq!(scene.store().entries.len(), SERVERS_MAX);
    assert!(sessions.take(&key(2)).is_none() && sessions.take(&key(3)).is_some());
}
