"""The file of messages holds those of tests that there are, and no others."""

import json
from pathlib import Path

TESTS = Path(__file__).parent


def test_each_message_is_a_tests_that_there_is():
    held = json.loads((TESTS / "messages.json").read_text("utf-8"))
    assert held
    for test in held:
        path, *names = test.partition("[")[0].split("::")
        source = (TESTS.parent / path).read_text("utf-8")
        assert f"def {names[-1]}(" in source, test
