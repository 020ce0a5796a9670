"""Every small change of a source text that could make a checker say yes where it must say no.

A mutant is one node of the syntax tree replaced by another: a refusal dropped, a comparison moved by one, a rounding
turned round, and so on. Docstrings, annotations, decorators and what a message says are left as they are.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a refusal says besides its reason, and names of variables that hold such text.
REFUSALS = {"reject", "_invalid", "_unsupported"}
WORDS = {"expected", "got", "shown", "where"}
COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mod, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip
NAMES = {"max": "min", "any": "all", "maximum": "minimum"}
NAMES |= {other: name for name, other in NAMES.items()}
# Roundings up of an integer or rational, turned into the same downwards: of v, -up(-v), and for roots up(v + 1) - 1.
ROUNDED_UP = ("divide_up", "shift_up", "ceil_fraction")
ROOTS_UP = ("ceil_sqrt", "_root_up")


Place = tuple[ast.AST, str, int | None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where, the line of source that it is on, and that line changed.

    lines: what a test must reach to notice it; is_inside: of a function, so that it does not run at import.
    """

    module: str
    function: str
    line: str
    changed: str
    lines: range
    is_inside: bool
    tree: ast.Module
    place: Place
    new: ast.AST

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it, whatever comes before it in the file."""
        return self.module, self.function, self.line, self.changed

    def compile(self) -> CodeType:
        """The code of the whole module with the change."""
        old = _get(*self.place)
        _put(*self.place, self.new)
        code = compile(self.tree, f"{self.module}.py", "exec")
        _put(*self.place, old)
        return code


def list_mutants(module: str, source: str, reasons: tuple[str, ...]) -> list[Mutant]:
    """The mutants of a module, in the order of its text. reasons: the names that a refusal can have."""
    tree, lines, found = ast.parse(source), source.splitlines(), []
    seen: Counter[tuple[str, str, str]] = Counter()
    places = {id(node): place for node, place in _list_places(tree)}
    for node, owner in _walk(tree, ""):
        for replacement in _replacements(node, reasons):
            # A copy: what is a part of the old tree keeps its own place there.
            new = ast.fix_missing_locations(ast.copy_location(copy.copy(replacement), node))
            line, changed = _show(lines, node, new)
            seen[owner, line, changed] += 1
            # One line can hold the same thing twice.
            again = f"  # {seen[owner, line, changed]}" if seen[owner, line, changed] > 1 else ""
            own = range(node.lineno, node.end_lineno + 1)
            is_inside = owner[:1].islower() or owner[:1] == "_" or "." in owner
            found.append(Mutant(module, owner, line, changed + again, own, is_inside, tree, places[id(node)], new))
    return found


def find_function(code: CodeType, name: str) -> CodeType | None:
    """The code of a function in that of its module."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = constant if constant.co_qualname == name else find_function(constant, name)
            if inner is not None:
                return inner
    return None


def _walk(node: ast.AST, owner: str) -> Iterator[tuple[ast.AST, str]]:
    """The nodes that may change, with the name of the outermost function or method that they are in."""
    if isinstance(node, ast.ClassDef):
        parts: list[tuple[ast.AST, str]] = [(part, f"{node.name}.") for part in node.body]
    elif isinstance(node, ast.FunctionDef):
        inside = owner if owner and not owner.endswith(".") else owner + node.name
        parts = [(part, inside) for part in node.body]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSALS:
        parts = [(argument, owner) for argument in node.args[:1] if node.func.id == "reject"]
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in WORDS:
        parts = []
    elif isinstance(node, ast.Call) and any(keyword.arg == "strict" for keyword in node.keywords):
        parts = [(argument, owner) for argument in node.args]  # a lint holds every `zip` to it
    elif isinstance(node, ast.AnnAssign):
        parts = [] if node.value is None else [(node.value, owner)]
    else:
        parts = [(child, owner) for child in ast.iter_child_nodes(node)]
    for part, name in parts:
        if ast.unparse(part).startswith("if TYPE_CHECKING:") or _is_text(part):
            continue
        yield part, name.rstrip(".") if isinstance(part, ast.expr) else name
        yield from _walk(part, name)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _list_places(tree: ast.AST) -> Iterator[tuple[ast.AST, Place]]:
    """Every node, and the place that holds it."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                yield from ((item, (parent, field, i)) for i, item in enumerate(value))
            elif isinstance(value, ast.AST):
                yield value, (parent, field, None)


def _get(parent: ast.AST, field: str, index: int | None) -> ast.AST:
    value = getattr(parent, field)
    node: ast.AST = value if index is None else value[index]
    return node


def _put(parent: ast.AST, field: str, index: int | None, new: ast.AST) -> None:
    if index is None:
        setattr(parent, field, new)
    else:
        getattr(parent, field)[index] = new


def _show(lines: list[str], node: Any, new: ast.AST) -> tuple[str, str]:
    """The first line of a node, and that line with the change in it."""
    line, text = lines[node.lineno - 1], ast.unparse(new)
    # Offsets are in bytes.
    raw = line.encode()
    rest = raw[node.end_col_offset :] if node.end_lineno == node.lineno else b""
    return line.strip(), (raw[: node.col_offset] + text.splitlines()[0].encode() + rest).decode().strip()


def _changed(node: Any, **fields: Any) -> Any:
    """A copy of a node with other fields."""
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _replacements(node: Any, reasons: tuple[str, ...]) -> Iterator[ast.AST]:
    """What one node can be replaced by."""
    match node:
        case ast.Expr(value=ast.Constant() | ast.Yield() | ast.YieldFrom()):
            pass
        case ast.Expr() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.AugAssign():
            yield ast.Pass()
            if type(node.op) in ARITHMETIC:
                yield _changed(node, op=ARITHMETIC[type(node.op)]())
        case ast.If() | ast.While() if not isinstance(node.test, (ast.Compare, ast.BoolOp, ast.UnaryOp)):
            yield _changed(node, test=_negated(node.test))
        case ast.comprehension():
            pass
        case ast.expr():
            yield from _expressions(node, reasons)


def _expressions(  # noqa: C901, PLR0912 - a case an operator
    node: Any, reasons: tuple[str, ...]
) -> Iterator[ast.expr]:
    match node:
        case ast.Compare():
            for i, op in enumerate(node.ops):
                yield _changed(node, ops=[*node.ops[:i], COMPARISONS[type(op)](), *node.ops[i + 1 :]])
        case ast.BoolOp():
            yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
            for i in range(len(node.values)):
                kept = [*node.values[:i], *node.values[i + 1 :]]
                yield kept[0] if len(kept) == 1 else _changed(node, values=kept)
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            yield _changed(node, op=ARITHMETIC[type(node.op)]())
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.IfExp():
            yield _changed(node, body=node.orelse, orelse=node.body)
        case ast.Attribute(attr="T"):
            yield node.value
        case ast.Attribute(value=ast.Name(id="Reason")) if node.attr in reasons:
            yield _changed(node, attr=reasons[(reasons.index(node.attr) + 1) % len(reasons)])
        case ast.Slice():
            for end in ("lower", "upper"):
                if getattr(node, end) is not None:
                    yield _changed(node, **{end: None})
        case ast.Call():
            yield from _calls(node)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            for i, loop in enumerate(node.generators):
                if loop.ifs:
                    others = [*node.generators[:i], _changed(loop, ifs=[]), *node.generators[i + 1 :]]
                    yield _changed(node, generators=others)


def _calls(node: ast.Call) -> Iterator[ast.expr]:
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    first = node.args[0] if node.args else None
    if name in NAMES:
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield _changed(node, func=_changed(node.func, **{field: NAMES[name]}))
    if name == "abs" and first is not None:
        yield first
    if name == "transpose" and isinstance(node.func, ast.Attribute):
        yield node.func.value
    if name in ROUNDED_UP and first is not None:
        yield ast.UnaryOp(ast.USub(), _changed(node, args=[ast.UnaryOp(ast.USub(), first), *node.args[1:]]))
    if name in ROOTS_UP and first is not None:
        one = ast.Constant(1)
        yield ast.BinOp(_changed(node, args=[ast.BinOp(first, ast.Add(), one)]), ast.Sub(), one)


def _negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)
