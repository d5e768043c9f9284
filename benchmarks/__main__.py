"""How long things take beside who else could do them: every measure, and what came out in RESULTS.md.

python -m benchmarks                                  # the big sizes, hours; goes on where it stopped
python -m benchmarks --size small                     # that it works, in minutes
python -m benchmarks --again door_in --only door_in   # one measure anew
"""

from __future__ import annotations

import argparse
import shutil
import sys
import traceback

from benchmarks import (
    decision_cost,
    door_in,
    frame,
    largest,
    measure,
    new_day,
    peers,
    purchase_history,
    refresh,
    report,
    value_model,
    year,
)

MEASURES = (purchase_history, refresh, new_day, door_in, decision_cost, value_model, largest)
YEAR = "year"  # of a small company, whatever the size asked for; CI runs thirty nights of it
SIZES = {size.name: size for size in (frame.BIG, frame.SMALL)}


def main() -> int:
    names = [*(of.case(frame.SMALL).name for of in MEASURES), YEAR]
    asked = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked.add_argument("--size", choices=SIZES, default="big", help="small always begins anew")
    asked.add_argument("--again", choices=names, nargs="+", default=[], metavar="NAME", help="measure these anew")
    asked.add_argument("--only", choices=names, nargs="+", default=names, metavar="NAME", help="measure these alone")
    said = asked.parse_args()
    size = SIZES[said.size]
    peers.install()
    for name in said.only if size is frame.SMALL else said.again:
        frame.forget(name, size)
    cases = [of.case(size) for of in MEASURES]
    broken = []
    for case in cases:
        if case.name in said.only:
            try:
                frame.run(case, size, lambda line: print(line, flush=True))
            except Exception:  # noqa: BLE001  hours of others do not depend on it
                traceback.print_exc()
                broken.append(case.name)
            report.write(size, cases)
    told = year.read()
    if (
        YEAR in said.only
        and size is frame.BIG
        and (told is None or told["code"] != measure.code() or YEAR in said.again)
    ):
        if not year.measured(365, year.RESULT, lambda line: print(line, flush=True)):
            broken.append(YEAR)
        report.write(size, cases)
    if broken:
        print(f"Not measured: {', '.join(broken)}; what is above says why.", file=sys.stderr)
        return 1
    shutil.rmtree(size.room / "homes", ignore_errors=True)
    print(f"What came out: {report.page(size)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
