"""The README's set-up lines, and what has to be the same elsewhere."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dsync import __version__
from dsync.errors import DISTRIBUTION
from scripts.pages import dependencies

ROOT = Path(__file__).parents[2]


def read(name: str) -> str:
    """Return a file of the project."""
    return (ROOT / name).read_text(encoding="utf-8")


def set_up_lines() -> dict[str, str]:
    """Return the README's set-up lines by the name in their marker."""
    found = re.findall(r"^<!-- set-up: (\w+) -->\n```sh\n(.+)\n```$", read("README.md"), re.M)
    return dict(found)


def test_the_readme_has_two_set_up_lines_that_need_nothing_but_python_with_venv() -> None:
    """One shows the demo, one runs all tests, as CI reads it there; all goes into one folder."""
    lines = set_up_lines()
    assert ["demo", "tests"] == [*lines]
    assert 2 == read("README.md").count("<!-- set-up:")
    for name, end in (("demo", "dsync demo"), ("tests", "pytest -n 3")):
        first, *others = lines[name].split(" && ")
        assert ("python3 -m venv .venv", f".venv/bin/{end}") == (first, others[-1])
        assert all(command.startswith(".venv/bin/") for command in others)
    assert "/^<!-- set-up: tests -->$/" in read(".ci/run")


def test_the_container_is_built_by_steps_that_ci_runs() -> None:
    """No Docker is needed to know that they work."""
    ci, dockerfile = read(".ci/run"), read("Dockerfile")
    for step in (
        "requirements-build.txt",
        "pip wheel --no-deps --no-build-isolation",
        "--require-hashes -r",
        "config check",
    ):
        assert step in ci
        assert step in dockerfile


def constrained() -> dict[str, str]:
    """Return the version of each distribution in constraints.txt, which has nothing else."""
    lines = [line for line in read("constraints.txt").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    return dict(line.lower().replace("_", "-").split("==") for line in lines)


def locked(name: str = "requirements.txt") -> dict[str, str]:
    """Return the version of each distribution in a file that has hashes."""
    text = read(name).replace(" \\\n    --hash=", " --hash=")
    entry = re.compile(
        r"([a-z0-9.-]+)==([a-z0-9.]+)( ; [A-Za-z_' !=0-9.]+)?( --hash=sha256:[0-9a-f]{64})+"
    )
    found = [entry.fullmatch(line) for line in text.splitlines() if line[0] not in "#-"]
    assert all(found)
    return {one[1]: one[2] for one in found if one}


def test_the_locked_versions_are_the_tested_ones() -> None:
    """`scripts/requirements` writes the file anew; it has hashes, and no address."""
    pinned = constrained()
    both = locked() | locked("requirements-parquet.txt")
    assert {} == {n: v for n, v in both.items() if pinned.get(n) != v}


def test_all_that_an_installation_needs_is_locked() -> None:
    """With the extras that each image has, so that pip asks for nothing without a hash."""
    image = frozenset({"s3", "alerts", "sentry", "console-oidc"})
    needed = {*dependencies.needs(DISTRIBUTION, image)} - {DISTRIBUTION}
    assert set() == needed - set(locked())
    more = {*dependencies.needs(DISTRIBUTION, image | {"export"})} - {DISTRIBUTION}
    assert "pyarrow" in more - needed
    assert set() == more - set(locked()) - set(locked("requirements-parquet.txt"))
    assert read("requirements-parquet.txt").splitlines()[1] == "-r requirements.txt"


def test_every_dependency_is_constrained_to_a_version_that_it_allows() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    pinned = constrained()
    for texts in (project["dependencies"], *project["optional-dependencies"].values()):
        for requirement in map(Requirement, texts):
            version = pinned[requirement.name.lower().replace("_", "-")]
            assert requirement.specifier.contains(version), requirement


def test_the_version_has_one_source() -> None:
    """The package's own file, which is in an sdist as it is in a checkout; the rest reads it."""
    project = tomllib.loads(read("pyproject.toml"))
    assert "version" not in project["project"]
    assert {"path": "dsync/__init__.py"} == project["tool"]["hatch"]["version"]
    assert metadata.version(DISTRIBUTION) == __version__
    assert {__version__} == set(re.findall(r"image: dsync:(\S+)", read("deploy/kubernetes.yaml")))
    newest, *_ = re.findall(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert newest in ("Unreleased", __version__)


def test_links_inside_the_project_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), (page, target)


def test_what_is_imported_is_declared() -> None:
    """Not only needed by something that is: that could go with its next version."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    lists = [
        project["dependencies"],
        *(of for name, of in extras.items() if name not in ("test", "release", "docs")),
    ]
    declared = {canonicalize_name(Requirement(one).name) for of in lists for one in of}
    every = {name for file in (ROOT / "dsync").rglob("*.py") for name in imported_by(file)}
    foreign = every - sys.stdlib_module_names - {"dsync"}
    made_by = metadata.packages_distributions()
    missing = {
        name
        for name in foreign
        if not declared & {canonicalize_name(one) for one in made_by.get(name, ())}
    }
    assert set() == missing


def imported_by(file: Path) -> Iterator[str]:
    """Yield the packages that a module imports, but for those of its annotations alone."""
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        match waiting.pop():
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import(names=names):
                yield from (one.name.partition(".")[0] for one in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case node:
                waiting += ast.iter_child_nodes(node)
