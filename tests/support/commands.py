"""``poetry aegis`` in this very process, with the plugin loaded as Poetry loads it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from cleo.io.inputs.argv_input import ArgvInput
from cleo.io.outputs.stream_output import StreamOutput
from poetry.console.application import Application

from tests.support.registry import USERS


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


class Terminal(io.StringIO):
    """Standard input with a person at it, who types what is in it."""

    def isatty(self) -> bool:
        return True


def aegis(*arguments: str) -> Result:
    """Run ``poetry aegis ARGUMENTS``, with the plugin loaded as Poetry loads it."""
    out, err = io.StringIO(), io.StringIO()
    application = Application()
    application.auto_exits(auto_exits=False)
    command = ArgvInput(["poetry", "aegis", *arguments])
    code = application.run(command, StreamOutput(out), StreamOutput(err))
    assert not any(password in out.getvalue() + err.getvalue() for password, _ in USERS.values())
    return Result(code, out.getvalue(), err.getvalue())
