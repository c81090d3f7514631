"""Runs what is named check_* in a module, under CPython or MicroPython: says "ok NAME", or the error and status 1."""

import sys

module = __import__(sys.argv[1])
failed = 0
for name in sorted(dir(module)):
    if name.startswith("check_"):
        try:
            getattr(module, name)()
            print("ok", name)
        except Exception as error:  # whatever it is, the next check runs
            failed += 1
            print("FAILED", name)
            if hasattr(sys, "print_exception"):
                sys.print_exception(error, sys.stdout)
            else:
                import traceback

                traceback.print_exception(error, file=sys.stdout)
sys.exit(1 if failed else 0)
