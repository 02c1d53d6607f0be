// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the engine says of the reply that it waits for: which one it is, how long it may take, what
//! form it has, and how many are due.

use esmtp::error::Error;
use esmtp::protocol::{
    Command, Engine, MessageAt, Opening, RecipientAt, RecipientRun, Reply, ReplyForm, ReplyParser, Settled,
    StartTls, Step, Usual, Wait,
};

use crate::mailbag::Mailbag;

const PLAIN: ReplyForm = ReplyForm::Plain { enhanced: false };
const ENHANCED: ReplyForm = ReplyForm::Plain { enhanced: true };

struct Dialogue {
    engine: Engine,
    mailbag: Mailbag,
    /// Replies to what was written that have not come.
    due: usize,
}

impl Dialogue {
    fn new(recipients: &[usize]) -> Self {
        Self {
            engine: Engine::new(Opening::Greeting),
            mailbag: Mailbag::new(recipients),
            due: 1,
        }
    }

    /// Goes on to what is neither a command nor a report.
    fn next(&mut self) -> Step {
        loop {
            match self.engine.next(&self.mailbag) {
                Step::Send(command) => {
                    self.due += match &command {
                        Command::Rcpt { recipients, .. } => recipients.iter().count(),
                        _ => 1,
                    };
                    assert_eq!(self.engine.replies_due(), self.due, "{command:?}");
                }
                Step::Record(verdict) => self.mailbag.record(&verdict),
                Step::Tell(_) | Step::StopText => {}
                step => return step,
            }
        }
    }

    /// Goes on to a reply that is waited for.
    fn awaits(&mut self, what: &str, wait: Wait, form: ReplyForm) {
        let step = self.next();
        assert!(matches!(step, Step::Receive), "{step:?} instead of {what}");
        assert_eq!(self.engine.awaited(), what);
        assert_eq!(self.engine.wait(), wait, "{what}");
        assert_eq!(self.engine.form(), form, "{what}");
        assert_eq!(self.engine.replies_due(), self.due, "{what}");
        assert!(self.engine.expects_reply() && self.engine.takes_replies(), "{what}");
    }

    fn says(&mut self, lines: &str) {
        let reply = self.parsed(lines);
        self.due -= 1;
        self.engine.receive(reply);
        assert_eq!(self.engine.expects_reply(), self.due > 0, "behind {lines}");
    }

    fn parsed(&self, lines: &str) -> Reply {
        let mut parser = ReplyParser::default();
        parser.feed(lines.as_bytes());
        parser.feed(b"\r\n");
        parser.next(self.engine.form(), |_| {}).expect("valid").expect("whole")
    }

    /// A reply that is waited for.
    fn hears(&mut self, what: &str, wait: Wait, form: ReplyForm, lines: &str) {
        self.awaits(what, wait, form);
        self.says(lines);
    }

    /// Up to the reply to EHLO.
    fn greet(&mut self) {
        self.hears("the greeting", Wait::Greeting, PLAIN, "220 ready");
        self.awaits("the reply to EHLO", Wait::Greeting, ReplyForm::Ehlo);
    }

    /// Behind the reply to EHLO, of which these lines are the last.
    fn opened(recipients: &[usize], offered: &str) -> Self {
        let mut dialogue = Self::new(recipients);
        dialogue.greet();
        dialogue.says(&format!("250-server\r\n{offered}"));
        dialogue
    }
}

#[test]
fn each_reply_has_its_name_its_time_and_its_form() {
    let mut dialogue = Dialogue::new(&[1, 1]);
    dialogue.mailbag.starttls.set(StartTls::Enabled);
    dialogue.mailbag.auth.set(true);
    dialogue.mailbag.nodes.borrow_mut().push(0);
    dialogue.mailbag.messages.borrow_mut()[1].binary = true;
    let dialogue = &mut dialogue;
    dialogue.greet();
    dialogue.says("250-server\r\n250 STARTTLS");
    assert!(matches!(dialogue.next(), Step::PrepareTls));
    dialogue.engine.tls_prepared(true);
    dialogue.hears("the reply to STARTTLS", Wait::Greeting, PLAIN, "220 go on");
    assert!(matches!(dialogue.next(), Step::Secure));
    dialogue.engine.secured();
    dialogue.awaits("the reply to EHLO", Wait::Greeting, ReplyForm::Ehlo);
    dialogue.says(
        "250-server\r\n250-ENHANCEDSTATUSCODES\r\n250-AUTH PLAIN\r\n250-ETRN\r\n250-XUSR\r\n\
         250-BINARYMIME\r\n250 CHUNKING",
    );
    assert!(matches!(dialogue.next(), Step::SelectMechanism { after: None }));
    let offered = dialogue.engine.extensions();
    assert!(offered.enhanced_status_codes && offered.xusr && !offered.starttls && !offered.pipelining);
    // Asked again before it has its answer, the engine has nothing to do.
    assert!(matches!(dialogue.next(), Step::Receive));
    assert!(!dialogue.engine.expects_reply() && !dialogue.engine.takes_replies());
    dialogue.engine.authenticate(b"AUTH PLAIN".to_vec().into());
    dialogue.awaits("the reply to AUTH", Wait::Greeting, ReplyForm::Challenge { enhanced: true });
    dialogue.says("235 2.7.0 welcome");
    assert!(matches!(dialogue.next(), Step::Authenticated));
    dialogue.engine.authenticated(true, false);
    dialogue.hears("the reply to ETRN", Wait::Greeting, ENHANCED, "250 2.0.0 ok");
    dialogue.hears("the reply to XUSR", Wait::Greeting, ENHANCED, "250 2.0.0 ok");
    dialogue.hears("the reply to MAIL", Wait::Envelope, ENHANCED, "250 2.1.0 ok");
    dialogue.hears("the reply to RCPT", Wait::Envelope, ENHANCED, "250 2.1.5 ok");
    dialogue.hears("the reply to DATA", Wait::Data, ENHANCED, "354 go on");
    assert!(matches!(dialogue.next(), Step::Text { .. }));
    assert_eq!(dialogue.engine.form(), ENHANCED, "a reply that comes too early");
    dialogue.engine.text_sent();
    dialogue.due += 1;
    dialogue.hears("the reply to the text", Wait::EndOfData, ENHANCED, "451 4.3.0 later");
    dialogue.hears("the reply to RSET", Wait::Envelope, ENHANCED, "250 2.0.0 ok");
    dialogue.hears("the reply to XUSR", Wait::Greeting, ENHANCED, "250 2.0.0 ok");
    dialogue.hears("the reply to MAIL", Wait::Envelope, ENHANCED, "250 2.1.0 ok");
    dialogue.hears("the reply to RCPT", Wait::Envelope, ENHANCED, "250 2.1.5 ok");
    for (last, wait) in [(false, Wait::Chunk), (true, Wait::EndOfData)] {
        assert!(matches!(dialogue.next(), Step::Chunk { .. }));
        dialogue.engine.chunk(1000, last);
        dialogue.due += 1;
        dialogue.hears("the reply to BDAT", wait, ENHANCED, "250 2.0.0 ok");
    }
    dialogue.awaits("the reply to QUIT", Wait::Quit, ENHANCED);
}

#[test]
fn helo_is_waited_for_as_ehlo_is() {
    let mut dialogue = Dialogue::new(&[1]);
    dialogue.greet();
    dialogue.says("500 what");
    dialogue.awaits("the reply to HELO", Wait::Greeting, PLAIN);
}

/// Behind a refused MAIL the replies to its group still come, one for each of its lines.
#[test]
fn what_is_void_is_waited_for_all_the_same() {
    let mut dialogue = Dialogue::opened(&[3], "250 PIPELINING");
    dialogue.awaits("the reply to MAIL", Wait::Envelope, PLAIN);
    assert_eq!(dialogue.engine.replies_due(), 1 + 3 + 1);
    dialogue.says("550 not you");
    for _ in 0..3 {
        dialogue.hears("the reply to RCPT", Wait::Envelope, PLAIN, "503 what");
    }
    dialogue.hears("the reply to DATA", Wait::Data, PLAIN, "354 go on");
    dialogue.hears("the reply to the text", Wait::EndOfData, PLAIN, "554 nobody");
    dialogue.awaits("the reply to QUIT", Wait::Quit, PLAIN);
}

#[test]
fn chunks_behind_a_refused_one_are_waited_for() {
    let mut dialogue = Dialogue::opened(&[1], "250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING");
    dialogue.mailbag.messages.borrow_mut()[0].binary = true;
    for _ in ["MAIL", "RCPT"] {
        assert!(matches!(dialogue.next(), Step::Receive));
        dialogue.says("250 ok");
    }
    for last in [false, false, true] {
        assert!(matches!(dialogue.next(), Step::Chunk { .. }));
        dialogue.engine.chunk(1000, last);
        dialogue.due += 1;
    }
    dialogue.hears("the reply to BDAT", Wait::Chunk, PLAIN, "451 full");
    dialogue.hears("the reply to BDAT", Wait::Chunk, PLAIN, "503 what");
    dialogue.hears("the reply to BDAT", Wait::EndOfData, PLAIN, "503 what");
}

/// A reply that the application is asked about is judged before the next one.
#[test]
fn no_reply_is_taken_while_a_question_is_open() {
    let mut dialogue = Dialogue::opened(&[1], "250-PIPELINING\r\n250 ENHANCEDSTATUSCODES");
    dialogue.awaits("the reply to MAIL", Wait::Envelope, ENHANCED);
    let reply = dialogue.parsed("250 without a code of the other kind");
    dialogue.engine.receive(reply);
    assert!(matches!(dialogue.next(), Step::Ask(_)));
    assert!(dialogue.engine.expects_reply() && !dialogue.engine.takes_replies());
    dialogue.engine.answer(0);
    dialogue.due -= 1;
    dialogue.awaits("the reply to RCPT", Wait::Envelope, ENHANCED);
}

/// The usual replies settle what they are about, those to recipients many at once; what more comes of
/// another reply is for the engine to say.
#[test]
fn usual_replies_settle_in_passing() {
    const MESSAGE: MessageAt = MessageAt::FIRST;
    let run = |first, end| RecipientRun::new(RecipientAt::new(first)..RecipientAt::new(end));
    let recipients = |first, end, complete| {
        let recipients = run(first, end).expect("some");
        Settled::Recipients { message: MESSAGE, recipients, complete }
    };
    let mut dialogue = Dialogue::opened(&[7], "250 PIPELINING");
    // What the server says, how often it may say it, how often it does, and what that settles.
    let settles = |dialogue: &mut Dialogue, line: &str, most, count, settled| {
        let reply = dialogue.parsed(line);
        let usual = dialogue.engine.usual(&reply);
        assert_eq!(usual.map_or(0, Usual::most), most, "{line}");
        let found = usual.and_then(|usual| dialogue.engine.settle(usual, &reply, count));
        assert_eq!(found, settled, "{line}");
        dialogue.due -= count;
    };
    dialogue.awaits("the reply to MAIL", Wait::Envelope, PLAIN);
    for unusual in ["421 bye", "450 later", "550 never", "354 go on"] {
        settles(&mut dialogue, unusual, 0, 0, None);
    }
    settles(&mut dialogue, "250 ok", 1, 1, Some(Settled::Sender { message: MESSAGE }));
    for (at, line, count, complete) in [
        (0, "250 ok", 1, false),
        (1, "550 never", 2, true),
        (3, "450 later", 1, false),
        (4, "250 ok", 3, false),
    ] {
        dialogue.awaits("the reply to RCPT", Wait::Envelope, PLAIN);
        settles(&mut dialogue, "421 bye", 0, 0, None);
        settles(&mut dialogue, line, 7 - at, count, Some(recipients(at, at + count, complete)));
    }
    dialogue.awaits("the reply to DATA", Wait::Data, PLAIN);
    for unusual in ["421 bye", "451 later", "250 ok"] {
        settles(&mut dialogue, unusual, 0, 0, None);
    }
    settles(&mut dialogue, "354 go on", 1, 1, Some(Settled::Nothing));
    assert!(!dialogue.engine.must_receive());
    assert!(matches!(dialogue.next(), Step::Text { message: MESSAGE }));
    dialogue.engine.text_sent();
    dialogue.due += 1;
    dialogue.awaits("the reply to the text", Wait::EndOfData, PLAIN);
    for unusual in ["421 bye", "451 later", "554 never", "354 more"] {
        settles(&mut dialogue, unusual, 0, 0, None);
    }
    let taken = dialogue.parsed("250 taken");
    let usual = dialogue.engine.usual(&taken).expect("it was taken");
    let Some(Settled::Taken { message: MESSAGE, accepted }) = dialogue.engine.settle(usual, &taken, 1) else {
        panic!("it was taken");
    };
    assert!(accepted.runs().eq([run(0, 1), run(4, 7)].into_iter().flatten()));
    dialogue.due -= 1;
    dialogue.awaits("the reply to QUIT", Wait::Quit, PLAIN);
}

/// A reply that lacks its enhanced code is for the application; of a text that nobody takes, and behind
/// something that is to be told, there is nothing usual.
#[test]
fn unusual_moments_settle_nothing_in_passing() {
    let mut dialogue = Dialogue::opened(&[1], "250-PIPELINING\r\n250 ENHANCEDSTATUSCODES");
    dialogue.awaits("the reply to MAIL", Wait::Envelope, ENHANCED);
    let lacking = dialogue.parsed("250 ok");
    assert_eq!(dialogue.engine.usual(&lacking), None);

    let mut dialogue = Dialogue::opened(&[1], "250 PIPELINING");
    dialogue.awaits("the reply to MAIL", Wait::Envelope, PLAIN);
    let accepted = dialogue.parsed("250 ok");
    dialogue.says("250 ok");
    assert_eq!(dialogue.engine.usual(&accepted), None, "that of MAIL is not recorded yet");
    dialogue.hears("the reply to RCPT", Wait::Envelope, PLAIN, "550 never");
    dialogue.awaits("the reply to DATA", Wait::Data, PLAIN);
    let go_on = dialogue.parsed("354 go on");
    assert_eq!(dialogue.engine.usual(&go_on), None, "nobody takes it");
    dialogue.says("354 go on");
    dialogue.awaits("the reply to the text", Wait::EndOfData, PLAIN);
    assert_eq!(dialogue.engine.usual(&accepted), None, "nobody took it");
}

#[test]
fn nothing_is_due_once_it_is_over() {
    for ends in [
        |engine: &mut Engine| engine.fail(Error::Dropped),
        |engine: &mut Engine| engine.source_failed(Error::Client),
    ] {
        let mut dialogue = Dialogue::opened(&[2], "250 PIPELINING");
        dialogue.awaits("the reply to MAIL", Wait::Envelope, PLAIN);
        ends(&mut dialogue.engine);
        for _ in 0..2 {
            assert!(matches!(dialogue.next(), Step::Done(_)));
            assert!(!dialogue.engine.expects_reply());
            assert_eq!(dialogue.engine.replies_due(), 0);
        }
    }
}
