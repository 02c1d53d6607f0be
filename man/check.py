#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual says what the headers say: every function has a page, under its own name, with its
prototype; every constant is explained. mandoc and groff find nothing wrong with the pages, as far as
they are installed."""

import re
import shutil
import subprocess
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
PAGES = {file.stem: file.read_text() for file in FOLDER.glob("*.3")}


def plain(text: str) -> str:
    """A declaration without what does not matter: white space."""
    return re.sub(r"\s*([*(),])\s*", r"\1", " ".join(text.split()))


def header(name: str) -> str:
    """The header without comments and directives."""
    text = (ROOT / "include" / name).read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).replace("\\\n", "")
    return "\n".join(line for line in text.split("\n") if not line.startswith("#"))


def header_prototypes() -> dict[str, str]:
    text = header("libesmtp.h") + header("auth-client.h")
    statements = [plain(statement) for statement in re.split(r"[;{}]", text)]
    found = {}
    for statement in statements:
        match = re.fullmatch(r"(?:extern )?(?!typedef)(.*?[ *])((?:_?smtp|auth)_\w+)(\(.*\))", statement)
        if match:
            found[match[2]] = plain("".join(match.groups()))
    return found


def manual_prototypes(page: str) -> dict[str, str]:
    """From the lines `.Ft TYPE` and `.Fn NAME "PARAMETER"...` of the synopsis."""
    synopsis = page.partition(".Sh SYNOPSIS")[2].partition("\n.Sh ")[0]
    found = {}
    for kind, call in re.findall(r"^\.Ft (.*)\n\.Fn (.*)$", synopsis, re.MULTILINE):
        name, *parameters = [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', call)]
        if not name.startswith("(*"):
            found[name] = plain(f"{kind} {name}({','.join(parameters)})")
    return found


def complaints(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


class Errors(unittest.TestCase):
    """The table of errors: each number of the header, the text that the library has for it, and
    examples that begin with that text."""

    PAGE = PAGES["libesmtp_error"]
    ROW = re.compile(r"^\.It Dv (SMTP_ERR_\w+) No \( (\d+) : Dq (.*) \)$", re.MULTILINE)

    def test_each_number_is_there(self) -> None:
        defined = re.findall(
            r"^#define (SMTP_ERR_\w+) (\d+)$", (ROOT / "include" / "libesmtp.h").read_text(), re.MULTILINE
        )
        shown = re.findall(r"Dv (SMTP_ERR_\w+) No \( (\d+)", self.PAGE)
        self.assertTrue(defined)
        self.assertEqual(sorted(defined), sorted(shown))

    def test_each_text_is_the_library_s(self) -> None:
        source = (ROOT / "src" / "session" / "explained.rs").read_text()
        for name, number, text in self.ROW.findall(self.PAGE):
            self.assertIn(f'{number} => c"{text}",', source, name)

    def test_examples_are_such_texts(self) -> None:
        items = re.split(r"^(?=\.It )", self.PAGE, flags=re.MULTILINE)
        for item in items:
            row = self.ROW.match(item)
            for example in re.findall(r'^\.D1 "(.*)"$', item, re.MULTILINE):
                reason = example.partition(": ")[2]
                self.assertTrue(0 < len(reason.encode()) <= 240, example)
                if row:
                    self.assertTrue(example.startswith(row[3] + ": "), example)


class Manual(unittest.TestCase):
    def test_each_exported_function_has_a_page_with_its_prototype(self) -> None:
        declared = header_prototypes()
        version_script = (ROOT / "libesmtp.map").read_text()
        exported = set(re.findall(r"^    ((?:_?smtp|auth)\w+);", version_script, re.MULTILINE))
        self.assertGreater(len(exported), 60)
        self.assertEqual(set(declared), exported)
        described = {}
        for page in PAGES.values():
            described |= manual_prototypes(page)
        self.assertEqual(described, declared)

    def test_each_page_names_its_functions(self) -> None:
        for title, page in PAGES.items():
            with self.subTest(title):
                names = set(re.findall(r"^\.Nm (\S+)", page, re.MULTILINE))
                described = set(manual_prototypes(page))
                macros = set(re.findall(r"^\.Fn (smtp_set_message_(?:fp|str)) ", page, re.MULTILINE))
                self.assertEqual(names - {"libesmtp"}, described | macros)
                self.assertIn(f".Dt {title.upper()} 3", page)

    def test_links_are_made_for_them(self) -> None:
        build = (FOLDER / "meson.build").read_text()
        lists = re.findall(r"'(\w+)': \[(.*?)\]", build, re.DOTALL)
        listed = {page: re.findall(r"'(\w+)'", names) for page, names in lists}
        self.assertEqual(set(listed), set(PAGES))
        for title, functions in listed.items():
            names = [name for name in re.findall(r"^\.Nm (\S+)", PAGES[title], re.MULTILINE) if name != title]
            self.assertEqual(functions, names)

    def test_constants_are_explained(self) -> None:
        text = header("libesmtp.h")
        constants = set(re.findall(r"^ +(\w+)(?: = -?\d+)?,?$", text, re.MULTILINE))
        for file in ("libesmtp.h", "auth-client.h"):
            directives = (ROOT / "include" / file).read_text()
            constants |= set(re.findall(r"^#define (SMTP_\w+|AUTH_\w+) -?\d+$", directives, re.MULTILINE))
        self.assertGreater(len(constants), 60)
        manual = "\n".join(PAGES.values())
        # What stands for "not set" explains itself.
        words = set(re.findall(r"\w+", manual))
        missing = {name for name in constants - words if not name.endswith("_NOTSET")}
        self.assertEqual(missing, set())

    def test_references_lead_somewhere(self) -> None:
        ours = set(PAGES) | set(header_prototypes())
        for title, page in PAGES.items():
            for name in re.findall(r"^\.Xr ((?:lib|s)?e?smtp_?\w*|auth_\w+) 3", page, re.MULTILINE):
                self.assertIn(name, ours, title)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc(self) -> None:
        for title in PAGES:
            self.assertEqual(complaints("mandoc", "-Tlint", "-Wwarning", f"{title}.3"), (0, ""))

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff(self) -> None:
        for title in PAGES:
            # Where a long name leaves a line too short to be adjusted, newer ones say so.
            command = f"groff -ww -W break -mdoc -Tutf8 -Z {title}.3 >/dev/null"
            self.assertEqual(complaints("sh", "-c", command), (0, ""))


if __name__ == "__main__":
    unittest.main()
