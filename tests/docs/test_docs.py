"""The documents: what the code has stands in them, what they name exists, and their examples run."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class

from tests.serving.running import ROOT, RunningGateway
from translation.failures import Failure, FailureKind
from translation.quirks import QUIRKS
from translation.shapes import SHAPES

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
GATEWAY_ADDRESS = "http://127.0.0.1:12000"
MOCK_PORT = "51001"
EXAMPLE_SECONDS = 60
NAMED_MODULES = re.compile(
    r"`((?:gateway_project|serving|routing|keys|conversations|translation|tests|benchmarks)/[a-z_/]+\.py)`"
)
MACHINE_PATHS = re.compile(r"(?<![\w.:/])/(?:home|root|Users|work|tmp|mnt|opt)/")


def read(name: str) -> str:
    """Return a document's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def headings(name: str) -> list[str]:
    """Return the titles of a document, without marks; what stands in a code block is no title."""
    prose = re.sub(r"^```.*?^```$", "", read(name), flags=re.MULTILINE | re.DOTALL)
    return [title.replace("`", "") for title in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)]


def coded_headings(name: str) -> set[str]:
    """Return the titles that are one name in code style: the settings, commands, headers or quirks of a document."""
    return set(re.findall(r"^#+ `([^`]+)`$", read(name), re.MULTILINE))


def anchors(name: str) -> set[str]:
    """Return the anchors that a forge makes of the titles."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings(name)}


def blocks(name: str, language: str) -> list[str]:
    """Return the code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)


def command_lines(name: str) -> list[list[str]]:
    """Return the words of each `make` and `manage.py` line in a document's code blocks, fenced or indented."""
    code = [*blocks(name, "sh"), *re.findall(r"^ {4}(\S.*)$", read(name), re.MULTILINE)]
    typed = re.findall(r"^(?:make|(?:\.venv/bin/)?python manage\.py) .+$", "\n".join(code), re.MULTILINE)
    return [shlex.split(line, comments=True) for line in typed]


def literals(path: Path) -> Iterator[str]:
    """Yield the text of every literal in a module, be it text or bytes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            yield node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value


def variables_read() -> set[str]:
    """Return the variables that the settings read: what `os.environ` or one of their functions is asked for."""
    found = set()
    for node in ast.walk(ast.parse(read("gateway_project/settings.py"))):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            asked: ast.expr | None = node.slice
        elif isinstance(node, ast.Call) and re.fullmatch(r"os\.(environ\.get|getenv)|_\w+", ast.unparse(node.func)):
            asked = node.args[0] if node.args else None
        else:
            continue
        if isinstance(asked, ast.Constant) and isinstance(asked.value, str):
            found.add(asked.value)
    return found


def our_commands() -> set[str]:
    """Return the management commands of the rooms."""
    rooms = {config.name for config in apps.get_app_configs() if Path(config.path).parent == ROOT}
    return {name for name, app in get_commands().items() if app in rooms}


def make_targets() -> set[str]:
    """Return the targets of the Makefile that are commands."""
    phony = re.findall(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)
    return {target for line in phony for target in line.split()}


def gateway_headers() -> set[str]:
    """Return the headers of the gateway's own that serving writes or reads."""
    modules = (ROOT / "serving").glob("*.py")
    return {text for module in modules for text in literals(module) if re.fullmatch(r"x-gateway-[a-z-]+", text)}


def travelling_headers() -> set[str]:
    """Return the other headers that serving/headers.py names; one that ends in a dash is the beginning of several."""
    named = {text for text in literals(ROOT / "serving/headers.py") if re.fullmatch(r"[a-z]+(-[a-z]+)+-?", text)}
    return {f"{name}*" if name.endswith("-") else name for name in named}


def test_every_variable_that_the_settings_read_has_a_heading() -> None:
    """docs/settings.md has one heading for each variable that the settings read, and none for any other."""
    assert coded_headings("docs/settings.md") == variables_read()


def test_every_setting_has_a_default_or_is_required() -> None:
    """Each setting in docs/settings.md says its default and shows an example."""
    sections = re.split(r"^### ", read("docs/settings.md"), flags=re.MULTILINE)[1:]
    incomplete = [text.split("\n")[0] for text in sections if "Default: " not in text or "\n    " not in text]
    assert sections
    assert incomplete == []


def test_every_command_has_a_heading() -> None:
    """docs/commands.md has one heading for each management command and each make target, and none for any other."""
    assert coded_headings("docs/commands.md") == our_commands() | {f"make {target}" for target in make_targets()}


def test_every_header_of_the_gateway_has_a_heading() -> None:
    """docs/headers.md has a heading for each `x-gateway` header that serving writes or reads, and no other."""
    described = {name for name in coded_headings("docs/headers.md") if name.startswith("x-gateway-")}
    assert described == gateway_headers()


def test_every_header_that_travels_has_a_heading() -> None:
    """docs/headers.md has a heading for each header that goes from client to upstream or back."""
    assert travelling_headers() - coded_headings("docs/headers.md") == set()


def test_every_quirk_has_a_heading() -> None:
    """docs/quirks.md has one heading for each quirk, and none for any other."""
    assert coded_headings("docs/quirks.md") == set(QUIRKS)


@pytest.mark.parametrize("name", QUIRKS)
def test_a_quirk_is_described_in_its_own_words(name: str) -> None:
    """The section of a quirk holds its shape, its help and its evidence as admin shows them."""
    section = read("docs/quirks.md").partition(f"## `{name}`\n")[2].partition("\n## ")[0]
    quirk = QUIRKS[name]
    assert f"Shape: `{quirk.shape}`." in section
    assert f"Help: {quirk.help}" in section
    assert f"Evidence: {quirk.evidence}" in section


@pytest.mark.parametrize("kind", FailureKind, ids=lambda kind: kind.value)
def test_every_kind_of_failure_is_in_the_table_of_errors(kind: FailureKind) -> None:
    """The row of a kind in docs/errors.md says the type and code that clients of each shape get."""
    failure = Failure(status=400, kind=kind, message="it failed")
    openai, anthropic = (SHAPES[shape].encode_error(failure, "id")[1]["error"] for shape in ("chat", "messages"))
    cells = [kind.value, openai["type"], openai["code"] or "", anthropic["type"]]
    assert re.sub(r" +", " ", f"| {' | '.join(cells)} |") in read("docs/errors.md")


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    """A link inside the repository leads to a file or folder that is there, and its anchor to a heading."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", read(name)):
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (ROOT / name).parent / file if file else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(str(target.resolve().relative_to(ROOT)))):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("name", NAMES)
def test_no_document_names_a_path_of_one_machine(name: str) -> None:
    """A path in a document is one inside the repository, or one that every machine of its kind has."""
    assert MACHINE_PATHS.findall(read(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_line_can_be_typed(name: str) -> None:
    """Each `make` and `manage.py` line names a target or command that there is, with options that it has."""
    for words in command_lines(name):
        if words[0] == "make":
            assert words[1] in make_targets()
        elif words[2] != "COMMAND":
            app = get_commands()[words[2]]
            assert isinstance(app, str)
            load_command_class(app, words[2]).create_parser("manage.py", words[2]).parse_args(words[3:])


@pytest.mark.parametrize("name", NAMES)
def test_every_toml_example_can_be_read(name: str) -> None:
    """A TOML block is TOML; Codex is told to speak Responses to the gateway's address."""
    for block in blocks(name, "toml"):
        settings = tomllib.loads(block)
        provider = settings["model_providers"][settings["model_provider"]]
        assert (provider["base_url"], provider["wire_api"]) == (f"{GATEWAY_ADDRESS}/v1", "responses")


@pytest.fixture(scope="module")
def mock_port() -> Iterator[str]:
    """The port of a mock upstream, started with the command of the README."""
    command = [sys.executable, "manage.py", "mock_upstream", "--port", "0", "--delay-ms", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as mock:
        assert mock.stdout is not None
        listening = re.search(r":(\d+),", mock.stdout.readline())
        assert listening is not None
        yield listening[1]
        mock.terminate()


@pytest.fixture(scope="module")
def demo(mock_port: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """The gateway of the README's demo, with its routes and its variables, on a free port."""
    routes = read("fixtures/routes.mock.yaml").replace(f"127.0.0.1:{MOCK_PORT}", f"127.0.0.1:{mock_port}")
    folder = tmp_path_factory.mktemp("demo")
    gateway = RunningGateway(folder, routes, OPENAI_API_KEY="mock", ANTHROPIC_API_KEY="mock")
    yield gateway.start()
    gateway.stop()


EXAMPLES = [
    pytest.param(code, output, id=f"{name}-{number}")
    for name in ("README.md", "docs/clients.md")
    for number, (code, output) in enumerate(zip(blocks(name, "python"), blocks(name, "text"), strict=True), 1)
]


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_examples_run_as_they_stand(code: str, output: str, demo: RunningGateway) -> None:
    """Each Python block, pasted into a file, prints the text block that follows it."""
    assert GATEWAY_ADDRESS in code
    script = code.replace(GATEWAY_ADDRESS, demo.url)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=EXAMPLE_SECONDS, check=False
    )
    assert (done.stdout, done.returncode) == (output, 0), done.stderr


def test_the_readme_names_the_variables_of_the_demo() -> None:
    """The README sets every variable that the mock routes take their credentials from, beside the routes themselves."""
    wanted = set(re.findall(r"access_key: \$(\w+)", read("fixtures/routes.mock.yaml")))
    [line] = [line for line in blocks("README.md", "sh") if "fixtures/routes.mock.yaml" in line]
    assert wanted <= set(re.findall(r"(\w+)=", line))


def test_the_readme_has_an_example_for_each_shape() -> None:
    """Among the README's examples is a stream of each shape that clients speak."""
    code = "\n".join(blocks("README.md", "python"))
    missing = [
        call for call in ("chat.completions.create(", "responses.stream(", "messages.stream(") if call not in code
    ]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_module_that_is_named_exists(name: str) -> None:
    """A document that leads the reader to a module leads to one that is there."""
    named = set(NAMED_MODULES.findall(read(name)))
    assert sorted(path for path in named if not (ROOT / path).is_file()) == []
