"""Rooms import one way, and no module depends on one engine."""

import ast

from fsgan_utils.workspace import PROJECT

PACKAGE = PROJECT / "fsgan_utils"
ROOMS = ["extraction", "masks", "occlusion", "training", "conversion", "evaluation"]
ENGINES = {"tensorflow", "jax", "torch"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module


def room(name):
    """Position of a module's room; what all rooms share comes first."""
    part = name.split(".")[1] if name.count(".") else ""
    return ROOMS.index(part) if part in ROOMS else -1


def test_rooms_import_one_way():
    modules = sorted(PACKAGE.rglob("*.py"))
    assert {path.parent.name for path in modules} >= set(ROOMS)
    for path in modules:
        here = room(".".join(path.relative_to(PROJECT).with_suffix("").parts))
        later = [name for name in imported(path) if name.startswith("fsgan_utils") and room(name) > here]
        assert not later, f"{path} imports {later}"


def test_no_module_imports_an_engine_and_only_plotting_matplotlib():
    for path in PACKAGE.rglob("*.py"):
        roots = {name.split(".")[0] for name in imported(path)}
        assert not roots & ENGINES, f"{path} imports {roots & ENGINES}"
        assert "matplotlib" not in roots or path.name == "plotting.py", path
