"""The house: imports run down its floors, `simulations` stands alone, the console stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mofsim"

GROUND = {"mofsim", "vocabulary"}
WIRE = {*GROUND, "schemas", "settings", "models_builtin"}
BELOW_CORE = {*WIRE, "db", "queue", "logs"}

#: What each part may import of mofsim besides itself. A new part must be given its floor here.
MAY_IMPORT: dict[str, set[str]] = {
    "mofsim": set(),
    "vocabulary": set(),
    "collector": set(),
    "models_builtin": GROUND,
    "settings": {*GROUND, "models_builtin"},
    "schemas": GROUND,
    "logs": WIRE,
    "db": WIRE,
    "queue": WIRE,
    "core": {*BELOW_CORE, "benchmark"},
    "client": WIRE,
    "benchmark": {*GROUND, "schemas"},
    "simulations": set(),
    "server": {*BELOW_CORE, "core", "benchmark", "collector"},
    "worker": {*BELOW_CORE, "core", "collector"},
    "tui": {*WIRE, "client", "collector"},
    "cli": {*BELOW_CORE, "core", "client", "server", "worker", "tui", "benchmark", "collector"},
    "__main__": {"cli"},
}

#: What the console must not load; it starts over slow links and on small machines.
HEAVY = ["torch", "numpy", "ase", "sqlalchemy", "pandas", "matplotlib"]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def part(module: str) -> str:
    """The part of the house a module belongs to: mofsim.core.events is of `core`."""
    return module.split(".")[1] if "." in module else module


def imports(module: str, tree: ast.AST) -> Iterator[str]:
    """All modules of mofsim that are imported anywhere in the tree, `import` or `from`, absolute or relative."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if part_of_us(alias.name))
        elif isinstance(node, ast.ImportFrom):
            levels = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*levels, *([node.module] if node.module else [])])
            if part_of_us(origin):
                # `from mofsim.core import events` imports the module, `from mofsim.core.events import x` a name.
                for name in node.names:
                    inner = f"{origin}.{name.name}"
                    yield inner if inner in FILES else origin


def foreign_imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def part_of_us(module: str) -> bool:
    return module == "mofsim" or module.startswith("mofsim.")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for module, path in FILES.items():
        yield module, ast.parse(path.read_text(encoding="utf-8"), str(path))


def at_import_time(tree: ast.Module) -> ast.Module:
    """The tree without what runs later or never: function bodies and TYPE_CHECKING blocks."""

    class Prune(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)

    pruned = Prune().visit(tree)
    assert isinstance(pruned, ast.Module)
    return pruned


def test_every_part_has_its_floor() -> None:
    assert {part(module) for module in FILES} - set(MAY_IMPORT) == set()


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_imports_run_down(name: str) -> None:
    against = [
        f"{module} imports {imported}"
        for module, tree in trees()
        if part(module) == name
        for imported in imports(module, tree)
        if part(imported) not in {name, *MAY_IMPORT[name]}
    ]
    assert against == []


def test_the_floors_themselves_hold_no_circle() -> None:
    rest = dict(MAY_IMPORT)
    while ground := [name for name, below in rest.items() if not below & (rest.keys() - {name})]:
        for name in ground:
            del rest[name]
    assert rest == {}


def test_no_modules_import_in_a_circle() -> None:
    graph = {module: set(imports(module, at_import_time(tree))) - {module} for module, tree in trees()}
    circles: list[str] = []
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            circles.append(" → ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for imported in sorted(graph.get(module, ())):
                walk(imported, [*path, module])
            done.add(module)

    for module in graph:
        walk(module, [])
    assert circles == []


def test_the_checks_see_imports_everywhere() -> None:
    source = (
        "def f():\n    from mofsim.core import lifecycle\nif TYPE_CHECKING:\n    import mofsim.queue\nfrom . import x"
    )
    assert set(imports("mofsim.settings", ast.parse(source))) == {
        "mofsim.core.lifecycle",
        "mofsim.queue",
        "mofsim.settings",
    }


def loaded_by(module: str) -> set[str]:
    """The top packages that importing the module loads, in a fresh interpreter."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


LIGHT = ["mofsim.tui.app", "mofsim.cli", "mofsim.client", "mofsim.settings", "mofsim.benchmark.report.page"]


@pytest.mark.parametrize("module", LIGHT)
def test_the_console_and_what_it_stands_on_load_nothing_heavy(module: str) -> None:
    assert loaded_by(module) & set(HEAVY) == set()


def test_the_server_loads_no_torch() -> None:
    assert loaded_by("mofsim.server.app") & {"torch", "sevenn", "phonopy"} == set()


def test_only_simulations_imports_what_computes() -> None:
    computing = {"torch", "sevenn", "phonopy", "dftd3", "matplotlib"}
    against = [
        f"{module} imports {imported}"
        for module, tree in trees()
        if part(module) != "simulations"
        for imported in foreign_imports(tree)
        if imported.partition(".")[0] in computing
    ]
    assert against == []
