// SPDX-License-Identifier: LGPL-2.1-or-later
//! The session: what the application set up, and the run that carries it out.
//!
//! Everything here is only ever seen as `&T`; state is in cells, and a borrow of one lasts
//! for an expression. No function of this layer calls the application. Instead a running
//! session says what is due ([`Call`]), the C boundary makes that call with nothing borrowed,
//! and feeds the answer back. So a callback may use the API, jump or throw.

mod application_data;
pub mod callback;
mod commands;
mod etrn;
mod explained;
mod message;
mod outbox;
pub mod probe;
mod recipient;
mod record;
mod run;
mod shared;
pub mod site;
mod slots;
mod status;
mod terms;
mod texts;
mod timeouts;
mod trace;
pub(crate) mod transfer;

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_int, c_void};
use std::net::IpAddr;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use crate::protocol::StartTls;
pub use application_data::ApplicationData;
pub use callback::{Block, Call, Event, EventCallback, MonitorCallback, Piece, Question};
pub use etrn::EtrnNode;
pub use explained::describe;
pub use message::{Message, ReversePath};
pub use recipient::Recipient;
pub use shared::{Requirements, Shared, Walk, WalkMark};
pub use status::Status;
pub use timeouts::{Timeout, Timeouts};

use crate::error::{Error, Reason, Result};
use crate::net::{Server, TlsContext};
use crate::policy::Chosen;
use crate::protocol::envelope::{self, EtrnOption};
use crate::protocol::{MessageAt, NodeAt, Outbox as _, RecipientAt, refused_locally};
use crate::room::one_more;
use crate::sasl;
use commands::Localhost;
use run::Run;
use shared::Frame;
use terms::Terms;
use texts::Texts;

/// What `smtp_create_session` makes.
pub struct Session {
    server: RefCell<Option<Rc<Server>>>,
    server_name: RefCell<Option<Rc<CStr>>>,
    // Names that a C program may still hold a pointer to.
    former_names: RefCell<Vec<Rc<CStr>>>,
    hostname: RefCell<Option<CString>>,
    localhost: RefCell<Localhost>,
    // Our end of the connection.
    own_address: Cell<Option<IpAddr>>,
    events: Cell<Option<EventCallback>>,
    monitor: Cell<Option<MonitorCallback>>,
    timeouts: Cell<Timeouts>,
    require_all_recipients: Cell<bool>,
    starttls: Cell<StartTls>,
    tls_context: RefCell<Option<TlsContext>>,
    auth_context: RefCell<Option<sasl::Hold>>,
    messages: RefCell<Vec<Rc<Message>>>,
    etrn_nodes: RefCell<Vec<Rc<EtrnNode>>>,
    // Those of all statuses.
    texts: Texts,
    shared: Rc<Shared>,
    application_data: ApplicationData,
    // What the message callback keeps between its calls; outside the run because C gets its
    // address.
    source_context: Cell<*mut c_void>,
    // What the site's policy says of the relay in use.
    terms: RefCell<Option<Rc<Terms>>>,
    run: Cell<Option<Box<Run>>>,
    running: Cell<Option<Frame>>,
}

impl Session {
    /// A session without server, messages or callbacks, time-outs at their defaults.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            server: RefCell::default(),
            server_name: RefCell::default(),
            former_names: RefCell::default(),
            hostname: RefCell::default(),
            localhost: RefCell::default(),
            own_address: Cell::default(),
            events: Cell::new(None),
            monitor: Cell::new(None),
            timeouts: Cell::default(),
            require_all_recipients: Cell::new(false),
            starttls: Cell::default(),
            tls_context: RefCell::default(),
            auth_context: RefCell::default(),
            messages: RefCell::default(),
            etrn_nodes: RefCell::default(),
            texts: Texts::default(),
            shared: Rc::default(),
            application_data: ApplicationData::default(),
            source_context: Cell::new(ptr::null_mut()),
            terms: RefCell::default(),
            run: Cell::default(),
            running: Cell::new(None),
        })
    }

    /// Sets `host[:service]`, unchecked until the session starts; forgets the name that an
    /// earlier run found.
    pub fn set_server(&self, host_and_service: &CStr) {
        let server = Server::parse(host_and_service);
        self.server_name.replace(Some(Rc::clone(&server.host)));
        self.former_names.take();
        self.server.replace(Some(Rc::new(server)));
    }

    /// The server's canonical name once it was resolved, else the host as set. The cell's
    /// content stays in place until the next [`Session::set_server`] or start.
    #[must_use]
    pub fn server_name(&self) -> &RefCell<Option<Rc<CStr>>> {
        &self.server_name
    }

    /// Sets the name for EHLO; `None` or empty = found when the session starts.
    pub fn set_hostname(&self, name: Option<&CStr>) -> Result<()> {
        let name = match name {
            Some(name) if !name.is_empty() => Some(envelope::domain(name)?),
            _ => None,
        };
        self.hostname.replace(name);
        self.localhost.take();
        Ok(())
    }

    /// Sets or clears the event callback.
    pub fn set_events(&self, callback: Option<EventCallback>) {
        self.events.set(callback);
    }

    /// The event callback.
    #[must_use]
    pub fn events(&self) -> Option<EventCallback> {
        self.events.get()
    }

    /// Sets or clears the monitor.
    pub fn set_monitor(&self, callback: Option<MonitorCallback>) {
        self.monitor.set(callback);
    }

    #[must_use]
    pub fn monitor(&self) -> Option<MonitorCallback> {
        self.monitor.get()
    }

    /// Sets a time-out; `below_rfc` allows values below those of RFC 5321. Returns what was set.
    pub fn set_timeout(&self, which: Timeout, value: Duration, below_rfc: bool) -> Duration {
        let mut timeouts = self.timeouts.get();
        let value = timeouts.set(which, value, below_rfc);
        self.timeouts.set(timeouts);
        value
    }

    /// Whether a message is sent only if every recipient was accepted.
    pub fn set_require_all_recipients(&self, required: bool) {
        self.require_all_recipients.set(required);
    }

    /// Sets whether STARTTLS is used.
    pub fn set_starttls(&self, how: StartTls) {
        self.starttls.set(how);
    }

    /// The TLS context, the application's or ours.
    #[must_use]
    pub fn tls_context(&self) -> &RefCell<Option<TlsContext>> {
        &self.tls_context
    }

    /// Sets the SASL context; `None` switches AUTH off. It stays usable for this session even
    /// if the application destroys it first.
    pub fn set_auth_context(&self, context: Option<Arc<sasl::Context>>) {
        self.auth_context.replace(context.map(sasl::Hold::new));
    }

    /// The SASL context.
    #[must_use]
    pub fn auth_context(&self) -> Option<Arc<sasl::Context>> {
        self.auth_context.borrow().as_ref().map(|hold| Arc::clone(hold.context()))
    }

    pub fn add_message(&self) -> Result<Rc<Message>> {
        let message = Message::new(Rc::clone(&self.shared));
        let mut messages = self.messages.borrow_mut();
        one_more(&mut messages)?;
        messages.push(Rc::clone(&message));
        Ok(message)
    }

    /// The message at a position, in the order added.
    #[must_use]
    pub fn message(&self, position: MessageAt) -> Option<Rc<Message>> {
        self.messages.borrow().get(position.get()).cloned()
    }

    /// Adds an ETRN node; makes ETRN a requirement of the session.
    pub fn add_etrn_node(&self, option: EtrnOption, domain: &CStr) -> Result<Rc<EtrnNode>> {
        let node = EtrnNode::new(option, envelope::domain(domain)?);
        let mut nodes = self.etrn_nodes.borrow_mut();
        one_more(&mut nodes)?;
        nodes.push(Rc::clone(&node));
        self.shared.requirements.etrn.set(true);
        Ok(node)
    }

    /// The ETRN node at a position, in the order added.
    #[must_use]
    pub fn etrn_node(&self, position: NodeAt) -> Option<Rc<EtrnNode>> {
        self.etrn_nodes.borrow().get(position.get()).cloned()
    }

    /// The application's own pointer.
    #[must_use]
    pub fn application_data(&self) -> &ApplicationData {
        &self.application_data
    }

    /// Where the message callback keeps its context between calls: C gets this address.
    #[must_use]
    pub fn source_context(&self) -> &Cell<*mut c_void> {
        &self.source_context
    }

    /// The enumerations and destructions that are under way.
    #[must_use]
    pub fn walk(&self) -> &Walk {
        &self.shared.walk
    }

    /// Checks that the session may be freed by a caller at this stack position: not from
    /// within one of its own callbacks. A run that was left by a jump is given up.
    pub fn check_destroy(&self, position: usize) -> Result<()> {
        let here = Frame::here(position);
        let outer = [self.running.get(), self.walk().current()];
        if outer.into_iter().flatten().any(|frame| frame.encloses(here)) {
            return Err(Error::Invalid.because("the session is in use by who called this"));
        }
        // A run that was left by a jump: its connection is closed without a word.
        let _ = self.finish();
        Ok(())
    }

    /// Begins to carry out the session for a caller at the stack position `caller`, with
    /// callbacks below the position `callbacks`. Then [`Session::advance`] is called until it
    /// says that all is done.
    pub fn begin(&self, caller: usize, callbacks: usize) -> Result<()> {
        let here = Frame::here(caller);
        let outer = [self.running.get(), self.walk().destruction()];
        if outer.into_iter().flatten().any(|frame| frame.encloses(here)) {
            return Err(Error::Invalid.because("the session is in use by who called this"));
        }
        self.walk().forget_what_was_left(here);
        let _ = self.finish();
        let unset = || Error::Invalid.because("no server is set");
        let server = self.server.borrow().clone().ok_or_else(unset)?;
        self.check_messages()?;
        self.server_name.replace(Some(Rc::clone(&server.host)));
        self.former_names.take();
        for node in self.etrn_nodes.borrow().iter() {
            node.status().clear();
        }
        for message in self.messages.borrow().iter() {
            if message.is_incomplete() {
                message.begin_attempt();
            }
        }
        self.run.set(Some(Box::new(Run::new(server))));
        self.running.set(Some(Frame::here(callbacks)));
        Ok(())
    }

    /// Begins a session with nothing to send, to one relay.
    fn begin_probe(&self, relay: Chosen) {
        let server = self.server.borrow().clone().unwrap_or_else(|| Rc::new(Server::parse(c"")));
        self.run.set(Some(Box::new(Run::probe(server, relay))));
    }

    /// Whether anything is for the server, or all of it is refused without one.
    fn needs_server(&self) -> bool {
        let messages =
            std::iter::successors(self.next_message(MessageAt::FIRST), |at| self.next_message(at.next()));
        let mut messages = messages.map(|message| refused_locally(self, message, RecipientAt::FIRST));
        self.etrn_count() > 0 || messages.any(|refused| refused.is_none())
    }

    fn check_messages(&self) -> Result<()> {
        let mut anything = !self.etrn_nodes.borrow().is_empty();
        for message in self.messages.borrow().iter() {
            if message.source().is_none() {
                return Err(Error::Invalid.because("a message has no callback for its text"));
            }
            anything |= message.is_incomplete();
        }
        if anything { Ok(()) } else { Err(Error::NothingToDo) }
    }

    /// Goes on until something is due to the application. May wait for the server.
    pub fn advance(&self) -> Call {
        self.with_run(|run| run.advance(self)).unwrap_or(Call::Done(Err(Error::Client)))
    }

    /// After [`Call::Show`]: the piece.
    pub fn take_piece(&self) -> Option<Piece> {
        self.with_run(Run::take_piece).flatten()
    }

    /// The application's answer to [`Call::Ask`].
    pub fn answer(&self, answer: c_int) {
        self.with_run(|run| run.answer(self, answer));
    }

    /// What the mechanism answers, if it does.
    pub fn responded(&self, answer: callback::Answer) {
        self.with_run(|run| run.responded(answer));
    }

    /// The message's source was rewound, or could not be.
    pub fn rewound(&self, outcome: Result<()>) {
        self.with_run(|run| run.rewound(self, outcome));
    }

    /// A portion of the text from the message's source; `more_follows` = the source has more
    /// of it already. `true` = the next portion is wanted at once, without
    /// [`Session::advance`] in between.
    pub fn text(&self, block: Block<'_>, more_follows: bool) -> bool {
        self.with_run(|run| run.text(self, block, more_follows)).unwrap_or(false)
    }

    /// After [`Call::Progress`]: the lengths of headers, lines or chunks, as many as there is room
    /// for. Gives how many there were; they are taken for told.
    pub fn take_lengths(&self, lengths: &mut [c_int]) -> usize {
        self.with_run(|run| run.take_lengths(lengths)).unwrap_or(0)
    }

    /// Ends the run: after [`Call::Done`], or when it cannot go on. Gives the reason of its last
    /// error.
    pub fn finish(&self) -> Reason {
        let reason = self.run.take().map_or(Reason::NONE, |run| run.reason());
        self.terms.take();
        if let Some(hold) = &*self.auth_context.borrow() {
            hold.let_go();
        }
        self.running.set(None);
        reason
    }

    /// What the site's policy says of the relay in use.
    fn terms(&self) -> Option<Rc<Terms>> {
        self.terms.borrow().clone()
    }

    /// Who answers for the user in this session: the policy's context, or the program's.
    fn sasl(&self) -> Option<Arc<sasl::Context>> {
        match self.terms.borrow().as_deref().and_then(Terms::sasl) {
            Some(own) => own.cloned(),
            None => self.auth_context.borrow().as_ref().map(sasl::Hold::in_use),
        }
    }

    /// The run is in nobody's hands but the step's: one that a signal handler jumps out of is
    /// lost with its connection, and the session is free for another.
    fn with_run<T>(&self, step: impl FnOnce(&mut Run) -> T) -> Option<T> {
        let mut run = self.run.take()?;
        let outcome = step(&mut run);
        run.keep_reason();
        self.run.set(Some(run));
        Some(outcome)
    }
}
