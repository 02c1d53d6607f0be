# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges two runs of a scenario."""

import difflib

from normal_form import shortened


def changes(reference, ours):
    """What ours does otherwise: `- ` lines of the reference, `+ ` lines of ours."""
    matcher = difflib.SequenceMatcher(a=reference, b=ours, autojunk=False)
    found = []
    for tag, a1, a2, b1, b2 in matcher.get_opcodes():
        if tag != "equal":
            found += [f"- {line}" for line in reference[a1:a2]]
            found += [f"+ {line}" for line in ours[b1:b2]]
    return found


def in_context(reference, ours):
    diff = difflib.unified_diff(reference, ours, "reference", "ours", lineterm="", n=2)
    return list(diff)


def judge(scenario, reference, ours):
    """An empty list if all is as it should be, else lines that tell what is not."""
    if not scenario.differs:
        return in_context(reference, ours)
    if reference == ours and not scenario.reference_varies:
        return ["the reference does the same: this is no divergence (any more)"]
    if scenario.ours:
        expected = [shortened(line) for line in scenario.ours]
        if ours == expected:
            return []
        return list(difflib.unified_diff(expected, ours, "expected", "ours", lineterm="", n=2))
    found = changes(reference, ours)
    expected = [shortened(line) for line in scenario.changes]
    if found == expected:
        return []
    verdict = ["changes other than expected:"]
    verdict += difflib.unified_diff(expected, found, "expected changes", "changes", lineterm="", n=1)
    return verdict + in_context(reference, ours)
