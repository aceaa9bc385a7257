"""Check what the linters cannot: floors, files at the root, class depth, lengths of bodies, constructors, public names.

Run ``python tools/house.py``; it prints each figure beside its bound and exits with 1 if one is beyond it.
"""

import ast
import graphlib
import importlib
import inspect
import statistics
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bayesgeo"
FLOORS, AT_ROOT, DEPTH, BODY, MEDIAN, ARGUMENTS = 9, 9, 4, 40, 5, 10
FACE = ("", "datasets", "diagnostics", "inference", "linalg", "maps", "metrics", "models", "probability", "testing")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every file of the package, parsed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def floors() -> int:
    """Return how many floors the import contract has."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return len(settings["tool"]["importlinter"]["contracts"][0]["layers"])


def body_length(function: Function, lines: list[str]) -> int:
    """Return how many lines of code the body of a function has, without docstring, comments and blank lines."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if not body:
        return 0
    span = lines[body[0].lineno - 1 : body[-1].end_lineno]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in span)


def bodies() -> list[tuple[int, str]]:
    """Return the length and the place of every function body."""
    found = []
    for path, tree in trees():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, Function):
                found.append((body_length(node, lines), f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return sorted(found, reverse=True)


def classes() -> dict[str, ast.ClassDef]:
    """Map the names of the package's classes to their definitions."""
    return {node.name: node for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}


def depth(name: str, known: dict[str, ast.ClassDef]) -> int:
    """Return how many classes of the package lie above and at a class, on the longest way."""
    bases = [base.id for base in known[name].bases if isinstance(base, ast.Name) and base.id in known]
    return 1 + max((depth(base, known) for base in bases if base != name), default=0)


def arguments(node: ast.ClassDef) -> int:
    """Return how many arguments a constructor takes: those of ``__init__``, or the fields of a dataclass."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return len(item.args.posonlyargs + item.args.args + item.args.kwonlyargs) - 1
    decorated = any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    own = [f for f in fields if "ClassVar" not in ast.unparse(f.annotation) and "init=False" not in ast.unparse(f)]
    return len(own) if decorated else 0


def imports() -> dict[str, set[str]]:
    """Map each module to the modules of the package that it imports when it is loaded."""
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts): tree for path, tree in trees()}
    found: dict[str, set[str]] = {}
    for name, tree in names.items():
        wanted: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.Import):
                wanted |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                wanted |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
        found[name] = wanted & names.keys() - {name}
    return found


def cycle() -> list[str]:
    """Return modules that import each other in a circle; empty where there is none."""
    try:
        graphlib.TopologicalSorter(imports()).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def public() -> Iterator[tuple[str, Any]]:
    """Yield every name of the public face and what it stands for."""
    for part in FACE:
        module = importlib.import_module(f"bayesgeo.{part}".rstrip("."))
        for name in module.__all__:
            yield f"{module.__name__}.{name}", getattr(module, name)


def shortcomings(name: str, item: Any) -> Iterator[str]:
    """Yield what a public name lacks; values such as metrics need neither types nor a doctest of their own."""
    if not (inspect.isfunction(item) or inspect.isclass(item)):
        return
    if not item.__doc__:
        yield f"{name}: no docstring"
    elif ">>>" not in item.__doc__ and not getattr(item, "_is_protocol", False) and not inspect.isabstract(item):
        yield f"{name}: no doctest"
    if inspect.isfunction(item):
        hints = inspect.signature(item)
        bare = [p.name for p in hints.parameters.values() if p.annotation is inspect.Parameter.empty]
        if bare or hints.return_annotation in (inspect.Signature.empty, "Any", Any):
            yield f"{name}: types missing, or a bare Any is returned"


def report(what: str, found: float, bound: float, where: str = "") -> bool:
    """Print a figure beside its bound; return whether it holds."""
    holds = found <= bound
    print(f"{'ok  ' if holds else 'FAIL'} {what:34} {found:g} (at most {bound:g}) {'' if holds else where}")
    return holds


def main() -> int:
    """Print every figure; return 1 if one is beyond its bound."""
    lengths, known = bodies(), classes()
    deepest = max(known, key=lambda name: depth(name, known))
    widest = max(known, key=lambda name: arguments(known[name]))
    lacking = sorted({text for name, item in public() for text in shortcomings(name, item)})
    held = [
        report("floors", floors(), FLOORS),
        report("modules in a circle of imports", len(circle := cycle()), 0, " -> ".join(circle)),
        report("Python files at the root", len(list(PACKAGE.glob("*.py"))), AT_ROOT),
        report("classes above and at one", depth(deepest, known), DEPTH, deepest),
        report("longest function body", lengths[0][0], BODY, lengths[0][1]),
        report("median function body", statistics.median(length for length, _ in lengths), MEDIAN),
        report("arguments of a constructor", arguments(known[widest]), ARGUMENTS, widest),
        report("public names lacking something", len(lacking), 0, "\n     " + "\n     ".join(lacking)),
    ]
    print(f"     public names: {len(list(public()))}")
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
