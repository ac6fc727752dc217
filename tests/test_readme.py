"""Every command in the README is run: by this test, by another, or by CI."""

import os
import re
import shlex
import subprocess

import pytest

from fsgan_utils.workspace import PROJECT

README = (PROJECT / "README.md").read_text()
CI = (PROJECT / ".ci" / "run").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
RUN_ELSEWHERE = {
    "make demo": "tests/test_demo.py",
    "make test": ".ci/run",
    "make test-long": ".ci/run",
}
RUN_HERE = [command for command in COMMANDS if command not in RUN_ELSEWHERE]


def test_commands_run_elsewhere_are_run_there():
    assert set(RUN_ELSEWHERE) <= set(COMMANDS)
    assert "\nmake test\n" in CI and "\nmake test-long\n" in CI
    assert '"make", "demo"' in (PROJECT / "tests" / "test_demo.py").read_text()


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("command", RUN_HERE)
def test_command_runs(command, tmp_path):
    arguments = shlex.split(command.replace("runs/me", str(tmp_path)).replace("out.ipynb", str(tmp_path / "out.ipynb")))
    if arguments[0].endswith("jupyter"):  # a server runs until it is stopped: ask it for its version
        arguments = [*arguments[:2], "--version"]
    subprocess.run(arguments, cwd=PROJECT, check=True, env={**os.environ, "QUICK": "1"})


def test_files_named_in_the_readme_exist():
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (PROJECT / path).exists(), path


def section(title):
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def test_settings_named_in_the_readme_are_those_of_the_notebooks():
    notebooks = "".join(path.read_text() for path in PROJECT.glob("notebooks/*.ipynb"))
    ours = re.findall(r"^\| `(\w+)`", section("Settings worth knowing"), re.MULTILINE)
    for row in re.findall(r"^\| .* \| (.*) \|$", section("If you come from v2.2"), re.MULTILINE):
        ours += re.findall(r"`(\w+)(?: = [^`]*)?`", row)
    schedule = {"Phase", "mask_hinge", "mask_hinge_floor"}
    values = {"standard", "lite", "compact"}
    for setting in set(ours) - schedule - values:
        assert re.search(rf'"{setting} = ', notebooks), setting
