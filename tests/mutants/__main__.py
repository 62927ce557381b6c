"""The command: draws changes, tries those that have no verdict yet, and reports."""

import argparse
import json
import os
import queue
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.mutants.bench import Bench
from tests.mutants.choose import CASES, Tests
from tests.mutants.draw import HERE, Change, digest, draw


def promises() -> list[str]:
    """The names of the tests with a case for each member."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "--collect-only", *CASES]
    environment = {**os.environ, "PYTHONPATH": str(HERE / "src")}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the tests cannot be collected:\n{done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if "::" in line]


def known(rows: Path, tests: Tests) -> dict[str, dict[str, Any]]:
    """The verdicts that still stand, by the keys of their changes."""
    found = {}
    for line in rows.read_text(encoding="utf-8").splitlines() if rows.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            continue
        path = HERE / row["path"]
        same = path.is_file() and row["source"] == digest(path.read_text(encoding="utf-8"))
        if same and (row["verdict"] == "caught" or row["tests"] == tests.digest(tests.of(row["path"]))):
            found[row["key"]] = row
    return found


def told(rows: list[dict[str, Any]], seed: int) -> str:
    """The report: counts, and every change that was not caught."""
    counts = Counter(row["verdict"] for row in rows)
    judged = counts["caught"] + counts["survived"]
    share = 100 * counts["caught"] / max(judged, 1)
    seconds = sum(row["seconds"] for row in rows) / max(len(rows), 1)
    lines = [
        f"# {len(rows)} changes drawn with seed {seed}",
        "",
        f"{counts['caught']} caught, {counts['survived']} survived, {counts['unclear']} unclear: "
        f"{share:.1f}% caught of {judged} judged, {seconds:.1f} s each.",
    ]
    for row in sorted(rows, key=lambda row: (row["verdict"], row["path"], row["line"])):
        if row["verdict"] != "caught":
            why = f" ({row['by']})" if row["by"] else ""
            lines += ["", f"## {row['path']}:{row['line']} {row['verdict']}{why}", "", "```diff"]
            lines += [*row["shown"], "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Plant small faults, and see whether the tests catch them.")
    parser.add_argument("--count", type=int, default=200, help="changes (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default 0)")
    parser.add_argument("--workers", type=int, default=1, help="changes tried at once (default 1)")
    parser.add_argument("--only", default="", help="draw from files whose path holds this")
    parser.add_argument("--limit", type=float, default=240, help="seconds for one run of tests (default 240)")
    parser.add_argument("--memory", type=int, default=8, help="GB of memory for one run of tests (default 8)")
    parser.add_argument("--out", type=Path, default=HERE / "runs/mutants", help="folder of the report")
    words = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (words.memory * 10**9, resource.getrlimit(resource.RLIMIT_AS)[1]))
    out = words.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    report = out / f"seed-{words.seed}.jsonl"
    if report.exists() and not report.read_text(encoding="utf-8").endswith("\n"):
        with report.open("a", encoding="utf-8") as file:  # what was killed while it wrote
            file.write("\n")
    tests = Tests(promises())
    changes_ = draw(words.count, words.seed, words.only)
    have = known(report, tests)
    left: queue.Queue[Change] = queue.Queue()
    for change in changes_:
        if change.key not in have:
            left.put(change)
    print(f"{len(changes_)} changes, {left.qsize()} of them to be tried; rows in {report}")
    place = Path(tempfile.gettempdir()) / f"wavetrain-mutants-{digest(str(HERE))}"
    writing = threading.Lock()

    def work(worker: int) -> None:
        bench = Bench(place / str(worker), out / "kernels" / str(worker), words.limit)
        while True:
            try:
                change = left.get_nowait()
            except queue.Empty:
                shutil.rmtree(bench.root)
                return
            source = digest((bench.root / change.path).read_text(encoding="utf-8"))
            row = {**change._asdict(), "source": source, "tests": tests.digest(tests.of(change.path))}
            row |= bench.verdict(change, tests)
            with writing:
                have[change.key] = row
                with report.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                shown = " -> ".join(line[1:].strip() for line in row["shown"])
                print(
                    f"{row['verdict']:9} {row['seconds']:5.0f} s  {change.path}:{change.line}  {shown}",
                    flush=True,
                )

    with ThreadPoolExecutor(words.workers) as pool:
        for done in [pool.submit(work, worker) for worker in range(words.workers)]:
            done.result()
    rows = [have[change.key] for change in changes_]
    text = told(rows, words.seed)
    report.with_suffix(".md").write_text(text, encoding="utf-8")
    print("\n" + text)


if __name__ == "__main__":
    main()
