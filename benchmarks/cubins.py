"""How many registers and how much shared memory do the GPU kernels take, and do they spill?

    python benchmarks/cubins.py [--check]

Needs no GPU. All cases of gpu_cases.py are gone through with tensors that hold nothing, and each kernel that
would run is compiled for three generations of GPUs: A100 (sm_80), H100 and H200 (sm_90), B200 (sm_100). What
the assembler says of it is written to cubins.json beside this file. `--check` compiles for sm_90 and writes
nothing: it ends with 1 where a kernel spills or the table is not what comes out.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)  # a kernel in the interpreter cannot be compiled

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from gpu_cases import CASES, Case
from wavetrain import scan
from wavetrain.scan.gpu.launch import Launch, written_down

HERE = Path(__file__).resolve().parent
TABLE = HERE / "cubins.json"
ARCHITECTURES = (80, 90, 100)
REPORT = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


def launches(cases: list[Case]) -> dict[str, Launch]:
    """Each kernel in each form that the cases ask for, by name."""
    found: dict[str, Launch] = {}
    for case in cases:
        with written_down() as written, scan.only("triton"):
            inputs = case.inputs(torch.device("meta"))
            out = case.run(*inputs)
            wanted = [part for part in inputs if part.requires_grad]
            if wanted:
                torch.autograd.grad(out, wanted, torch.empty_like(out))
        for one in written:
            place = one.kernel.__module__.rsplit(".", 1)[-1]
            name = f"{place}.{one.kernel.__name__.lstrip('_')}: {case.name}"
            found.setdefault(name, one)
    return found


def compiled(launch: Launch, architecture: int) -> dict[str, int]:
    """Registers a thread, shared memory a program, and bytes spilled a thread."""
    names = launch.kernel.arg_names
    source = ASTSource(
        launch.kernel,
        {name: launch.types.get(name, "constexpr") for name in names},
        {(names.index(name),): value for name, value in launch.constants.items()},
        {(names.index(name),): [["tt.divisibility", 16]] for name in launch.even},
    )
    target = GPUTarget("cuda", architecture, 32)
    options = {"num_warps": launch.warps, "enable_fp_fusion": not launch.exactly}
    made = triton.compile(source, target=target, options=options)
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(made.asm["cubin"])
        said = subprocess.run([REPORT, "--dump-resource-usage", file.name], capture_output=True, text=True)
    numbers = {name: int(value) for name, value in re.findall(r"(REG|STACK|LOCAL):(\d+)", said.stdout)}
    return {
        "registers": numbers["REG"],
        "shared": made.metadata.shared,
        "spilled": numbers["STACK"] + numbers["LOCAL"],
    }


def table(architectures: tuple[int, ...]) -> dict[str, Any]:
    rows = {
        name: {f"sm_{architecture}": compiled(launch, architecture) for architecture in architectures}
        for name, launch in launches(CASES).items()
    }
    return {"triton": triton.__version__, "kernels": rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the table and write nothing")
    check = parser.parse_args().check
    found = table((90,) if check else ARCHITECTURES)
    for name, row in found["kernels"].items():
        one = row["sm_90"]
        print(f"{name:60}{one['registers']:5} registers{one['shared']:8} bytes shared")
    spilling = [name for name, row in found["kernels"].items() for one in row.values() if one["spilled"]]
    for name in dict.fromkeys(spilling):
        print(f"spills: {name}")
    if check:
        other = json.loads(TABLE.read_text(encoding="utf-8"))
        other["kernels"] = {name: {"sm_90": row["sm_90"]} for name, row in other["kernels"].items()}
        if other != found:
            print("cubins.json is not what comes out: run without --check")
        return 1 if spilling or other != found else 0
    TABLE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main())
