"""The guides: links lead somewhere, and every command and option in them exists."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from firmware_bridge.commands.cli import app as bridge_app
from rt_render.app.cli import app as renderer_app
from rt_render.app.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "firmware/README.md"])
PROGRAMS = {"rt-render": typer.main.get_command(renderer_app), "firmware-bridge": typer.main.get_command(bridge_app)}
WORDS = re.compile(r"^\s*(?:\./dev run |\.venv/bin/)?((?:rt-render|firmware-bridge)\b[^#|;&<>)]*)")
GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]


def names(pages):
    return [str(page.relative_to(ROOT)) for page in pages]


def anchors_of(page):
    """Return the anchors of a page's headings as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_link_to_a_file_here_leads_to_it(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file) if file else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors_of(found), f"{page.name} links to {target}; there are {sorted(anchors_of(found))}"


def blocks_of(page):
    """Return the code blocks of a page, those without a language and those in TOML."""
    return re.findall(r"^```(?:toml)?\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def commands_in(page):
    """Return what is typed in a page: lines of code blocks, and code within the text."""
    text = page.read_text()
    blocks = "\n".join(blocks_of(page))
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [*blocks.splitlines(), *inline]
    return [found.group(1).strip() for line in lines if (found := WORDS.match(line))]


def is_typed_right(typed):
    """Whether a command exists and takes the options that are named."""
    words = shlex.split(typed)
    command = PROGRAMS[words.pop(0)]
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if words and hasattr(command, "commands") and not words[0].startswith("-"):
        return False
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)} | {"--help", "-h"}
    return all(word.partition("=")[0] in known for word in words if re.match(r"--?[a-z]", word))


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_every_command_in_a_guide_exists_with_its_options(page):
    assert [typed for typed in commands_in(page) if not is_typed_right(typed)] == []


def options_of(command):
    own = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    return own.union(*(options_of(one) for one in getattr(command, "commands", {}).values()))


@pytest.mark.parametrize("page", GUIDES, ids=names(GUIDES))
def test_every_option_that_a_guide_names_belongs_to_a_command(page):
    known = set().union(*(options_of(program) for program in PROGRAMS.values()))
    named = re.findall(r"`(--[a-z][a-z-]*)", page.read_text())
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize("page", GUIDES, ids=names(GUIDES))
def test_every_setting_that_a_guide_shows_is_one(page):
    sections = Settings.model_fields
    for block in [block for block in blocks_of(page) if re.match(r"\[\w+\]\n", block)]:
        for section, values in tomllib.loads(block).items():
            assert section in sections, f"{page.name} shows [{section}]"
            assert set(values) <= set(sections[section].annotation.model_fields), f"{page.name} shows {values}"


def test_a_command_or_option_that_does_not_exist_would_be_found():
    assert is_typed_right("rt-render play a.wav --loop") and is_typed_right("firmware-bridge list --ble")
    assert not is_typed_right("rt-render plays a.wav") and not is_typed_right("rt-render play --lop")
    assert len(commands_in(ROOT / "README.md")) > 20
