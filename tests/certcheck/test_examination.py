"""certcheck.check: from Python the verdict of the command line, and none that is weaker."""

from __future__ import annotations

import itertools
import json
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import certcheck
from certcheck import Limits, Reason, Status, Verdict, decision
from certcheck.__main__ import main
from certcheck.comparison import Auditor, parse_bound
from certcheck.verdict import Proof, Refusal, list_fields
from tests.certificates import C3, S3, certificate, encode
from tests.vectors.run import read_index, read_vector, run_certcheck, run_vector

GOOD = encode(certificate(S3))
VACUOUS = encode(certificate(C3, correct=3))


def translate(arguments: list[str]) -> dict[str, Any]:
    """Options of the command as keywords."""
    options: dict[str, Any] = dict(zip(arguments[::2], arguments[1::2], strict=True))
    if (limit := options.pop("--limit", None)) is not None:
        name, _, number = limit.partition("=")
        options["--limits"] = Limits(**{name: int(number)})
    if "--instance" in options:
        options["--instance"] = int(options["--instance"])
    return {name.removeprefix("--").replace("-", "_"): value for name, value in options.items()}


def strip(verdict: dict[str, Any]) -> dict[str, Any]:
    """What is said, apart from the time and from the name under which the certificate was read.

    Of a file that is too large only one byte too many is read, and the place is the file.
    """
    size = {"where": None, "got": None} if verdict["reason"] == "FILE_TOO_LARGE" else {}
    stripped: dict[str, Any] = json.loads(json.dumps(verdict | {"seconds": None, "certificate": None} | size))
    return stripped


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_path_bytes_and_command_have_one_verdict(kind: str) -> None:
    """On every vector, with its options as keywords; each is given in one of the three ways, in turn."""
    ways = itertools.cycle([str, Path, lambda file: Path(file).read_bytes()])

    def check_both_ways(file: str, arguments: list[str]) -> dict[str, Any]:
        command = run_certcheck(file, arguments)
        verdict = certcheck.check(next(ways)(file), **translate(arguments))
        assert strip(list_fields(verdict)) == strip(command)
        assert bool(verdict) == verdict.verified == (verdict.status is Status.VERIFIED) == (verdict.proof is not None)
        assert verdict.verified == (verdict.reason is None)
        return command

    vectors = read_index()[kind]
    assert len(vectors) > 50
    for vector in vectors:
        verdict = run_vector(check_both_ways, vector)
        assert (verdict["verdict"] == "VERIFIED") == (kind == "valid")


def test_a_verdict_is_a_condition_and_prints_as_the_command_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """False unless it is verified; the text is that of the command but for the time."""
    path = tmp_path / "certificate.json"
    for data in (GOOD, VACUOUS, b"{"):
        path.write_bytes(data)
        verdict = certcheck.check(data)
        assert bool(verdict) == (data == GOOD)
        code = main([str(path)])
        assert code == verdict.status.value
        printed = capsys.readouterr().out.splitlines()
        own = str(verdict).splitlines()
        assert [line for line in own if not line.startswith("cost")] == [
            line for line in printed if not line.startswith("cost")
        ]
        assert len(own) == len(printed)


def test_what_carries_no_proof_is_false() -> None:
    """Whatever else it carries: the one way to be verified is a proof."""
    for result in (None, True, "VERIFIED", Status.VERIFIED, Refusal(Reason.NOT_JSON, "here", "this", "that")):
        assert not Verdict("a", result, 0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("certificate", ["missing.json", "", "a\0b", "-"])
def test_a_file_that_cannot_be_read_is_a_verdict(
    certificate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No exception, and not verified; `-` is a name like others."""
    monkeypatch.chdir(tmp_path)
    assert certcheck.check(certificate).reason is Reason.FILE_UNREADABLE


def test_bytes_are_held_to_the_limit_of_a_file() -> None:
    """As a file would be."""
    assert certcheck.check(GOOD, limits=Limits(bytes=len(GOOD)))
    assert certcheck.check(GOOD, limits=Limits(bytes=len(GOOD) - 1)).reason is Reason.FILE_TOO_LARGE


@pytest.mark.parametrize("bound", ["1", 1, 1.0, "36/36", Fraction(1), 0.95, Fraction(1, 3), "0"])
def test_a_threshold_is_read_as_it_is_printed(bound: str | float | Fraction) -> None:
    """36 of 36 pairs reach every accuracy, in every notation; 35 of 36 do not reach 1."""
    assert certcheck.check(GOOD, at_least=bound)
    fewer = certcheck.check(encode(certificate(S3, correct=35)), at_least=bound)
    assert fewer.verified == (Fraction(bound) < 1)
    if not fewer:
        assert fewer.reason is Reason.BOUND_BELOW_THRESHOLD


def test_a_float_is_the_decimal_that_is_written() -> None:
    """19 of 20 is at least 0.95: the float of this name is another number."""
    assert Fraction(0.95) != Fraction("0.95")
    assert parse_bound(str(0.95)) == Fraction(19, 20)


@pytest.mark.parametrize(
    "options",
    [
        {"at_least": float("nan")},
        {"at_least": float("inf")},
        {"at_least": True},
        {"at_least": 2},
        {"at_least": -1},
        {"at_least": "95%"},
        {"at_least": 1e-9},
        {"instance": 0},
        {"instance": -1, "model": "model.pt"},
        {"arithmetic": "float32"},
        {"arithmetic": "auto"},
        {"limits": Limits(order=2**15)},
    ],
)
def test_arguments_that_make_no_sense_are_value_errors(options: dict[str, Any]) -> None:
    """Never a verdict: what compares with NaN as not below it would pass."""
    with pytest.raises(ValueError, match=r"expected|instance"):
        certcheck.check(GOOD, **options)


@pytest.mark.parametrize("options", [{}, {"model": 1}, {"group": [[0]]}])
def test_what_is_no_path_is_a_type_error(options: dict[str, Any]) -> None:
    """A number would be a file descriptor, a bytearray changes."""
    with pytest.raises(TypeError):
        certcheck.check(GOOD if options else bytearray(GOOD), **options)  # type: ignore[arg-type]


def test_the_largest_order_that_can_be_checked_is_a_limit() -> None:
    """One more is not: indices have 16 bits."""
    assert certcheck.check(GOOD, limits=Limits(order=2**15 - 1))


def test_a_bug_is_a_verdict_and_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the command line, the first 200 characters of what it says; but an interruption is the caller's."""

    def broken(*_: object) -> Proof:
        raise error

    monkeypatch.setattr(decision, "check", broken)
    error: BaseException = ZeroDivisionError("oops" * 51)
    verdict = certcheck.check(GOOD)
    assert verdict.reason is Reason.INTERNAL
    assert list_fields(verdict)["got"] == "ZeroDivisionError: '" + ("oops" * 50)[:199]
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        certcheck.check(GOOD)


@pytest.mark.parametrize("data", [GOOD, VACUOUS])
def test_a_verdict_goes_to_other_processes(data: bytes) -> None:
    """Pickled and back it says the same: pools return verdicts so."""
    verdict = certcheck.check(data)
    again = pickle.loads(pickle.dumps(verdict))  # noqa: S301 - our own
    assert (str(again), list_fields(again)) == (str(verdict), list_fields(verdict))


def test_a_refusal_keeps_nothing_of_the_check() -> None:
    """An exception that was raised holds on to the arrays of every function that it went through."""
    verdict = certcheck.check(VACUOUS)
    assert isinstance(verdict.result, Refusal)
    assert verdict.result.__traceback__ is None
    assert verdict.result.__context__ is None


def sleep(*_: object) -> Proof:
    """A check that takes a tenth of a second."""
    time.sleep(0.1)
    return decide(GOOD, Auditor())


decide = decision.check


def test_threads_give_the_same_verdicts() -> None:
    """Several at once; no thread but the main one has signals, and none is needed."""
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(certcheck.check, [GOOD, VACUOUS, b"{", GOOD] * 4))
    assert [v.status.name for v in verdicts] == ["VERIFIED", "REJECTED", "MALFORMED", "VERIFIED"] * 4


def test_a_thread_keeps_the_limit_of_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be stopped there, but what took longer is no more verified than in the main thread."""
    clock = iter([0.0, 1.0, 0.0, 0.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    results: list[Verdict] = []

    def work() -> None:
        results.extend(certcheck.check(GOOD, limits=Limits(seconds=1)) for _ in range(2))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [verdict.reason for verdict in results] == [Reason.TIME_TOO_LONG, None]


def test_no_time_is_too_little_everywhere() -> None:
    """A limit of 0 seconds refuses in the main thread and in others."""
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(certcheck.check, GOOD, limits=Limits(seconds=0)).result()
    assert elsewhere.reason is certcheck.check(GOOD, limits=Limits(seconds=0)).reason is Reason.TIME_TOO_LONG


def test_the_step_at_work_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the main thread a check does not go on to its end."""
    ended: list[bool] = []

    def work(*_: object) -> Proof:
        time.sleep(30)
        ended.append(True)
        return decide(GOOD, Auditor())

    monkeypatch.setattr(decision, "check", work)
    # Not the end of this process, where the check has not set a handler of its own.
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    try:
        assert certcheck.check(GOOD, limits=Limits(seconds=1)).reason is Reason.TIME_TOO_LONG
        assert ended == []
    finally:
        signal.signal(signal.SIGALRM, before)


def test_no_handler_is_exchanged_while_a_timer_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm in between would go to the wrong one. The timer runs in the check, and for ever if that is asked for."""
    exchanged, exchange, running = [], signal.signal, []

    def spy(number: int, handler: object) -> object:
        exchanged.append((number, signal.getitimer(signal.ITIMER_REAL)[0]))
        return exchange(number, handler)  # type: ignore[arg-type]

    def look(*_: object) -> Proof:
        running.append(signal.getitimer(signal.ITIMER_REAL)[0])
        return decide(GOOD, Auditor())

    monkeypatch.setattr(signal, "signal", spy)
    monkeypatch.setattr(decision, "check", look)
    assert certcheck.check(GOOD, limits=Limits(seconds=10**15 - 1))
    assert exchanged == [(signal.SIGALRM, 0.0)] * 2
    assert 10**9 - 60 < running[0] <= 10**9


def test_a_handler_that_python_cannot_name_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that was set in C there is nothing to put back."""
    given: list[object] = []
    monkeypatch.setattr(signal, "signal", lambda _, handler: given.append(handler))
    assert certcheck.check(GOOD)
    assert given[1:] == [signal.SIG_DFL]


def test_the_seconds_are_those_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that is read before and after."""
    clock = iter([5.0, 7.5])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    assert certcheck.check(GOOD).seconds == 2.5


def test_the_callers_alarm_waits_and_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its handler and its timer are there again after the check, with the time that was left."""
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        monkeypatch.setattr(decision, "check", sleep)
        assert certcheck.check(GOOD)
        assert rung == []
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 0.05
        time.sleep(0.2)
        assert rung == [signal.SIGALRM]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_package_loads_nothing_until_it_is_asked() -> None:
    """`python -m certcheck` speaks to BLAS before numpy is there; what is not public is an AttributeError."""
    program = (
        "import sys, certcheck; assert 'numpy' not in sys.modules and not hasattr(certcheck, 'examine');"
        "assert all(hasattr(certcheck, name) for name in certcheck.__all__); print(certcheck.check(sys.argv[1]).status)"
    )
    run = subprocess.run([sys.executable, "-c", program, "none"], capture_output=True, text=True, check=True)
    assert run.stdout == "Status.ERROR\n"


def test_the_vectors_are_read_as_bytes_too() -> None:
    """One by hand: the first valid vector, its numbers as data."""
    vector = read_index()["valid"][0]
    proof = certcheck.check(read_vector(vector["file"])).proof
    assert proof is not None
    assert proof.accuracy_lower_bound == Fraction(vector["correct_pairs_at_least"], proof.pairs)
