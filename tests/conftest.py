"""Fixtures for all tests."""

from __future__ import annotations

import gc
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

# Tests share builders and databases by `from tests…`, from wherever pytest is started.
sys.path.insert(0, str(Path(__file__).parent.parent))

# A shell has what it starts in the background ignore SIGINT, `nohup` SIGHUP, and so would each
# process of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# As installed, dsync has its bytecode: without it, each command would compile all of its modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# As a platform sets them, they would be settings of each test.
for name in ("PORT", "DATABASE_URL"):
    os.environ.pop(name, None)

# The same examples in each run; other ones by HYPOTHESIS_PROFILE=default.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# As rich draws a traceback, with the variables of each frame, one takes a tenth of a second.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)

SHARED = Path(os.environ.get("DSYNC_SHARED") or Path(__file__).parents[2] / "shared")
"""What is not in the repository: DS's schema, recorded conversations, public lists."""


def shared(name: str) -> str:
    """Return the text of one of its files, or skip the test."""
    if not (SHARED / name).is_file():
        pytest.skip(f"{name} is not at hand (DSYNC_SHARED)")
    return (SHARED / name).read_text(encoding="utf-8")


pytest_plugins = ["tests.store.databases", "tests.engine.inbox"]

# Some 400,000 objects of modules and tests live to the end; to look at them again and again would
# take a tenth of the suite's CPU.
gc.set_threshold(50_000)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="Write the golden files anew, by the tests that compare with them; run no other test.",
    )


_PROMISES = "nominal watermark one_writer deletions pushing judging clock"
FAST = {
    *("unit", "store", "console/test_sight.py"),
    *(f"engine/test_{subject}.py" for subject in _PROMISES.split()),
}
"""Tests of each promise, on SQLite alone; a few more are marked where they stand."""


def _is_fast(path: Path) -> bool:
    """Whether all tests of a file are fast."""
    within = path.relative_to(Path(__file__).parent)
    return not FAST.isdisjoint((within.as_posix(), within.parts[0]))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file without a fast test where only those are wanted."""
    if config.option.markexpr != "fast" or not collection_path.match("test_*.py"):
        return None
    is_wanted = _is_fast(collection_path) or "mark.fast" in collection_path.read_text("utf-8")
    return None if is_wanted else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        is_on_postgres = "postgres_server" in getattr(item, "fixturenames", ())
        is_on_postgres |= "postgresql" in item.name
        if _is_fast(item.path) and not is_on_postgres and not item.get_closest_marker("long"):
            item.add_marker("fast")
    if config.getoption("--update-golden"):
        writing = [item for item in items if "golden" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in {*writing}])
        items[:] = writing


@dataclass(frozen=True)
class Golden:
    """A folder of texts that only change on purpose."""

    folder: Path
    is_updating: bool

    def check(self, name: str, text: str) -> None:
        """Compare a text with the file of that name, or write the file anew."""
        file = self.folder / name
        if self.is_updating:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8").splitlines() == text.splitlines(), (
            f"{file} differs: if that is meant, run `pytest --update-golden` and read `git diff`."
        )

    def names(self, below: str) -> list[str]:
        """Return the names of the files of a folder below, without their endings."""
        return sorted(file.stem for file in (self.folder / below).iterdir())


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare texts with the files beside the test, or write those files anew."""
    return Golden(request.path.parent / "golden", request.config.getoption("--update-golden"))
