#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The refresh tokens that esmtp-token keeps, when it is killed at each of its system calls, when the disk
fails, when two runs meet, when servers answer badly, and when its folder is not its own.

    tests/token/state.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import os
import shutil
import signal
import subprocess
import threading
import unittest

import harness
from harness import ENVIRONMENT, NETWORK, REFUSED, SECONDS, STATE, Case, answer, main, token


class Issuer:
    """Gives a new refresh token with each answer. A strict one forgets the old one at that moment (as
    RFC 9700 wants it), another one when the new one is used (as Microsoft and many others do it)."""

    def __init__(self, strict: bool):
        self.strict = strict
        self.valid = {"refresh-0"}
        self.last = 0

    def __call__(self, question) -> bytes:
        used = question.form.get("refresh_token")
        if used not in self.valid:
            return answer(400, {"error": "invalid_grant", "error_description": f"{used} is not known"})
        self.last += 1
        new = f"refresh-{self.last}"
        self.valid = {new} if self.strict else {used, new}
        return token(f"access-{self.last}", refresh_token=new)


def strace(*options: str) -> list[str]:
    return ["strace", "-f", "-qq", "-o", "/dev/null", *options]


class Refresh(Case):
    def setUp(self) -> None:
        super().setUp()
        self.respond = lambda _: token()
        self.server = self.serve(lambda question: self.respond(question))
        self.configure(self.server.url, grant="refresh-token")
        self.keep("refresh-0", self.server.url)

    def run_under(self, *command: str, **more):
        return subprocess.run(
            [*command, *self.command("x")], capture_output=True, timeout=SECONDS, env=ENVIRONMENT, **more
        )


class Rotation(Refresh):
    def test_a_new_token_takes_the_place_of_the_old_one(self) -> None:
        self.respond = Issuer(strict=True)
        for number in range(1, 4):
            self.assert_token(self.run_program("x"), f"access-{number}")
            self.assertEqual(self.kept(), f"refresh-{number}")
        self.assertEqual((self.state / "x.json").stat().st_mode & 0o7777, 0o600)
        self.assertEqual(sorted(file.name for file in self.state.iterdir()), ["x.json", "x.lock", "x.new"])

    def test_a_server_that_has_no_time_at_first(self) -> None:
        issuer = Issuer(strict=True)
        replies = [lambda _: answer(503, "<html>"), lambda _: answer(429, "", Retry_After="1"), issuer]
        self.respond = lambda question: replies.pop(0)(question)
        self.write_config(self.config.read_text().replace("version = 1", 'version = 1\ntimeout = "30s"'))
        self.assert_token(self.run_program("x"))
        self.assertEqual(self.kept(), "refresh-1")
        self.assertEqual({question.form["refresh_token"] for question in self.server.questions}, {"refresh-0"})

    def test_without_a_new_one_nothing_is_written(self) -> None:
        before = (self.state / "x.json").stat()
        for more in ({}, {"refresh_token": "refresh-0"}, {"refresh_token": ""}, {"refresh_token": None}):
            self.respond = lambda _, more=more: token(**more)
            self.assert_token(self.run_program("x"))
            after = (self.state / "x.json").stat()
            self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_odd_refresh_tokens_are_kept_as_they_are(self) -> None:
        for odd in ("r" * 100_000, 'a"b\\c\r\n\0ü\u2028', " "):
            self.respond = lambda _, odd=odd: token(refresh_token=odd)
            self.assert_token(self.run_program("x"))
            self.assertEqual(self.kept(), odd)
            self.assert_token(self.run_program("x"))
            self.assertEqual(self.server.questions[-1].form["refresh_token"], odd)

    def test_bad_answers_leave_the_old_one(self) -> None:
        cases = [
            ("<html>", NETWORK),
            ('{"access_token": "a", "refresh_token": "refresh-1"', NETWORK),
            (" " * 10_000_000, NETWORK),
            ({"error": "invalid_grant"}, REFUSED),
        ]
        for body, code in cases:
            self.respond = lambda _, body=body: answer(200, body)
            self.assert_fails(self.run_program("x"), code)
            self.assertEqual(self.kept(), "refresh-0")
        for status, code in ((307, NETWORK), (400, REFUSED), (403, REFUSED)):
            body = {"error": "invalid_scope", "error_description": "no refresh-0", "refresh_token": "refresh-1"}
            self.respond = lambda _, status=status: answer(status, body, Location="https://other.invalid/")
            self.assert_fails(self.run_program("x"), code)
            self.assertEqual(self.kept(), "refresh-0")

    def test_a_bad_access_token_does_not_lose_the_refresh_token_beside_it(self) -> None:
        self.respond = lambda _: token("a\r\nb", refresh_token="refresh-1")
        self.assert_fails(self.run_program("x"), NETWORK)
        self.assertEqual(self.kept(), "refresh-1")

    def test_a_refresh_token_goes_only_where_it_came_from(self) -> None:
        other = self.serve(lambda _: token())
        self.configure(other.url, grant="refresh-token")
        self.assert_fails(self.run_program("x"), STATE, "another client or server", "authorize x")
        self.configure(self.server.url, grant="refresh-token")
        self.write_config(self.config.read_text().replace('"client"', '"another"'))
        self.assert_fails(self.run_program("x"), STATE, "another client or server")
        self.assertEqual(other.connections, 0)

    def test_a_damaged_file(self) -> None:
        file = self.state / "x.json"
        good = file.read_text()
        for content in ("", good[:-10], "\0" * 100, good.replace('"version":1', '"version":2')):
            file.write_text(content)
            self.assert_fails(self.run_program("x"), STATE, "x.json: is damaged")
        self.keep("refresh-0", self.server.url)
        self.assert_token(self.run_program("x"))


class Folders(Refresh):
    def test_a_folder_that_others_may_write_to(self) -> None:
        self.state.chmod(0o770)
        self.assert_fails(self.run_program("x"), STATE, "others may write to it (mode 0770)")
        self.state.chmod(0o700)
        (self.state / "x.json").chmod(0o640)
        self.assert_fails(self.run_program("x"), STATE, "others may use it (mode 0640)")
        self.assertEqual(self.server.connections, 0)

    def test_links_and_other_things_in_the_place_of_files(self) -> None:
        target = self.folder / "target"
        target.write_text((self.state / "x.json").read_text())
        for name, replace in (("x.json", os.symlink), ("x.lock", os.symlink), ("x.json", fifo), ("x.lock", fifo)):
            file = self.state / name
            saved = file.read_bytes()
            file.unlink()
            replace(target, file)
            self.assert_fails(self.run_program("x"), STATE, name)
            file.unlink()
            file.write_bytes(saved)
            file.chmod(0o600)
        self.assertEqual(self.server.connections, 0)
        # What a killed process left, whatever it is, makes room.
        (self.state / "x.new").unlink()
        os.symlink(target, self.state / "x.new")
        self.respond = lambda _: token(refresh_token="refresh-1")
        self.assert_token(self.run_program("x"))
        self.assertEqual(self.kept(), "refresh-1")
        self.assertIn("refresh-0", target.read_text())

    def test_who_says_where_it_is(self) -> None:
        """The command line, then the file, then systemd."""
        for number, name in enumerate(("line", "systemd"), 1):
            folder = self.folder / name
            shutil.copytree(self.state, folder)
            file = folder / "x.json"
            file.write_text(file.read_text().replace("refresh-0", f"refresh-{number}"))
        line = ["--state", str(self.folder / "line")]
        systemd = {"STATE_DIRECTORY": str(self.folder / "systemd")}
        rows = self.config.read_text().splitlines(keepends=True)
        without = "".join(row for row in rows if not row.startswith("state"))
        used = []
        self.respond = lambda question: used.append(question.form["refresh_token"]) or token()
        self.assert_token(self.run_program(*line, "x", **systemd))
        self.assert_token(self.run_program("x", **systemd))
        self.write_config(without)
        self.assert_token(self.run_program("x", **systemd))
        self.assertEqual(used, ["refresh-1", "refresh-0", "refresh-2"])

    def test_no_folder(self) -> None:
        shutil.rmtree(self.state)
        self.assert_fails(self.run_program("x"), STATE, "No such file")
        self.keep("refresh-0", self.server.url)
        self.assertEqual(self.state.stat().st_mode & 0o7777, 0o700)

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_another_users_folder(self) -> None:
        user = 65534
        program = self.folder / "esmtp-token"
        shutil.copy(harness.program, program)
        self.folder.chmod(0o755)
        for file in (self.config, self.state):
            os.chown(file, user, user)
        command = [program, "--config", self.config, "x"]
        run = {"capture_output": True, "timeout": SECONDS, "env": ENVIRONMENT, "user": user, "group": user}
        # Root made its files for the folder's owner.
        self.config.chmod(0o600)
        os.chown(self.folder, user, user)
        ca = self.folder / "ca.pem"
        shutil.copy(self.certificates.ca, ca)
        self.config.write_text(self.config.read_text().replace(str(self.certificates.ca), str(ca)))
        os.chown(ca, user, user)
        shutil.rmtree(self.state)
        self.state.mkdir(mode=0o700)
        os.chown(self.state, user, user)
        # As root would: with a configuration of its own.
        own = self.folder / "root"
        own.mkdir(mode=0o700)
        shutil.copy(self.config, own / "token.toml")
        (own / "token.toml").chmod(0o600)
        done = subprocess.run(
            [program, "--config", own / "token.toml", "import", "x"],
            input=b"refresh-0",
            capture_output=True,
            timeout=SECONDS,
        )
        # Its folder is the other user's: root trusts that with no configuration, but with a state folder.
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual((self.state / "x.json").stat().st_uid, user)
        self.respond = lambda _: token(refresh_token="refresh-1")
        self.assert_token(subprocess.run(command, **run))
        self.assertEqual(self.kept(), "refresh-1")
        os.chown(self.state, 0, 0)
        self.state.chmod(0o755)
        self.assert_fails(subprocess.run(command, **run), STATE, "its owner is user 0")


def fifo(_, file) -> None:
    os.mkfifo(file, 0o600)


class AtOnce(Refresh):
    def test_runs_wait_for_each_other(self) -> None:
        self.respond = Issuer(strict=True)
        runs = [
            subprocess.Popen(self.command("x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
            for _ in range(5)
        ]
        found = set()
        for run in runs:
            output, errors = run.communicate(timeout=SECONDS)
            self.assertEqual((run.returncode, errors), (0, b""))
            found.add(output.split(b"\n")[0])
        self.assertEqual(found, {b"access-%d" % number for number in range(1, 6)})
        self.assertEqual(self.kept(), "refresh-5")

    def test_waiting_has_an_end(self) -> None:
        asked, go = threading.Event(), threading.Event()

        def respond(_):
            asked.set()
            go.wait(SECONDS)
            return token()

        self.respond = respond
        self.addCleanup(go.set)
        self.write_config(self.config.read_text().replace("version = 1", 'version = 1\ntimeout = "50s"'))
        with subprocess.Popen(
            self.command("x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
        ) as first:
            self.assertTrue(asked.wait(SECONDS))
            self.write_config(self.config.read_text().replace("50s", "1s"))
            self.assert_fails(self.run_program("x"), STATE, "another process holds it for too long")
            go.set()
            first.communicate(timeout=SECONDS)
        self.assertEqual(first.returncode, 0)

    def test_a_service_that_is_stopped_keeps_the_answer(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self.keep("refresh-0", self.server.url)
            asked, go = threading.Event(), threading.Event()

            def respond(_, asked=asked, go=go):
                asked.set()
                go.wait(SECONDS)
                return token(refresh_token="refresh-1")

            self.respond = respond
            self.addCleanup(go.set)
            with subprocess.Popen(self.command("x"), stdout=subprocess.PIPE, env=ENVIRONMENT) as run:
                self.assertTrue(asked.wait(SECONDS))
                run.send_signal(number)
                go.set()
                run.communicate(timeout=SECONDS)
            self.assertEqual(run.returncode, -number)
            self.assertEqual(self.kept(), "refresh-1")


class Tracing(Refresh):
    def setUp(self) -> None:
        super().setUp()
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        if subprocess.run([*strace(), "true"], capture_output=True, timeout=SECONDS).returncode != 0:
            self.skipTest("strace may not trace here")


class Killed(Tracing):
    """Each call from where the state folder is opened to the end of the process, one after the other."""

    def calls(self) -> list[tuple[str, int]]:
        """The calls of the main thread, in order: each one's name, and the how manieth of that name it is,
        as strace counts."""
        log = self.folder / "trace"
        command = ["strace", "-qq", "-s", "200", "-o", log, *self.command("x")]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, env=ENVIRONMENT)
        lines = [line for line in log.read_text(errors="replace").splitlines() if "(" in line]
        names = [line.partition("(")[0] for line in lines]
        counted = [(name, names[: number + 1].count(name)) for number, name in enumerate(names)]
        folder = next(number for number, line in enumerate(lines) if str(self.state) in line)
        room = names.index("fallocate")
        question = names.index("sendto")
        # OpenSSL reads its authorities in between, in some two hundred calls that are all alike.
        return counted[folder : room + 3] + counted[room + 3 : question : 20] + counted[question:]

    def kill_everywhere(self, strict: bool) -> tuple[int, int]:
        """At how many calls it was killed, and after how many of them the token was lost."""
        killed = lost = 0
        self.respond = Issuer(strict=False)
        found = set()
        for call, number in self.calls():
            self.keep("refresh-0", self.server.url)
            issuer = self.respond = Issuer(strict)
            done = self.run_under(*strace("-e", f"inject={call}:signal=KILL:when={number}"))
            if done.returncode != -signal.SIGKILL:
                continue  # This run needed one less.
            killed += 1
            # Whatever happened, the file is whole: it has the old token or the new one.
            kept = self.kept()
            self.assertIn(kept, {"refresh-0", "refresh-1"}, f"killed at {call} {number}")
            found.add(kept)
            again = self.run_program("x")
            if strict and kept == "refresh-0" and again.returncode != 0:
                # The answer was on its way: no client can have it on disk yet.
                self.assert_fails(again, REFUSED, "invalid_grant", "authorize x")
                self.assertEqual(issuer.last, 1)
                lost += 1
            else:
                self.assertEqual((again.returncode, again.stderr), (0, b""), f"killed at {call} {number}")
            leftovers = sorted(file.name for file in self.state.iterdir())
            self.assertEqual(leftovers, ["x.json", "x.lock", "x.new"])
        # Before and after the moment from which the new one counts.
        self.assertEqual(found, {"refresh-0", "refresh-1"})
        return killed, lost

    def test_at_each_call(self) -> None:
        killed, lost = self.kill_everywhere(strict=False)
        self.assertGreater(killed, 30)
        self.assertEqual(lost, 0)
        print(f"killed at {killed} calls, no refresh token lost")

    def test_at_each_call_with_a_server_that_forgets_the_old_token_at_once(self) -> None:
        killed, lost = self.kill_everywhere(strict=True)
        self.assertGreater(killed, 30)
        self.assertGreater(lost, 0)
        print(f"killed at {killed} calls; at {lost} of them the server's answer was not on disk yet")


class FullDisk(Refresh):
    def setUp(self) -> None:
        super().setUp()
        # In a file system of its own, which nobody else sees.
        self.alone = ["unshare", "--mount", "--propagation", "private", "sh", "-ec"]
        try_it = f"mount -t tmpfs tmpfs {self.state}"
        if os.geteuid() != 0 or subprocess.run([*self.alone, try_it], capture_output=True).returncode != 0:
            self.skipTest("only root can mount a small file system, and here not even root")

    def test_mail_about_it_goes_out(self) -> None:
        """And the refresh token changes at each run."""
        self.respond = Issuer(strict=True)
        script = f"""mount -t tmpfs -o size=256k,mode=700 tmpfs {self.state}
            printf refresh-0 | "$@" import x >&2
            cat /dev/zero >{self.state}/full 2>/dev/null || true
            for run in 1 2 3; do "$@" x; done
            rm {self.state}/x.new
            cat /dev/zero >{self.state}/more 2>/dev/null || true
            "$@" x || echo "ended with $?"
            """
        command = [*self.alone, script, "sh", harness.program, "--config", self.config]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done)
        lines = [line for line in done.stdout.splitlines() if not line.startswith("expires=")]
        self.assertEqual(lines, ["access-1", "access-2", "access-3", f"ended with {STATE}"], done)
        self.assertIn("x.new: No space left on device", done.stderr)
        self.assertEqual(len(self.server.questions), 3)


class Failing(Tracing):
    """Calls that fail, at the places that matter."""

    def test_no_room_is_found_out_before_anything_is_asked(self) -> None:
        for call, error in (("fallocate", "ENOSPC"), ("fallocate", "EDQUOT"), ("unlink", "EROFS"), ("flock", "ENOLCK")):
            self.keep("refresh-0", self.server.url)
            # One that has to be replaced.
            (self.state / "x.new").chmod(0o644)
            done = self.run_under(*strace("-e", f"inject={call}:error={error}"))
            self.assert_fails(done, STATE)
            self.assertEqual(self.server.connections, 0, call)

    def test_a_file_system_that_promises_no_room(self) -> None:
        self.respond = Issuer(strict=True)
        self.assert_token(self.run_under(*strace("-e", "inject=fallocate:error=EOPNOTSUPP")))
        self.assertEqual(self.kept(), "refresh-1")

    def test_the_token_is_printed_although_its_successor_could_not_be_kept(self) -> None:
        for call, error in (("fsync", "EIO"), ("rename", "EACCES"), ("ftruncate", "EIO")):
            self.keep("refresh-0", self.server.url)
            self.respond = Issuer(strict=False)
            done = self.run_under(*strace("-e", f"inject={call}:error={error}:when=1"))
            self.assertEqual((done.returncode, done.stdout.split(b"\n")[0]), (STATE, b"access-1"), done)
            self.assertIn(b"the refresh token was not kept", done.stderr)
            self.assertEqual(self.kept(), "refresh-0")


if __name__ == "__main__":
    main()
