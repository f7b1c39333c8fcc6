"""unittest.main for ctest: 77, which ctest shows as skipped, if nothing failed and
something could not be tried."""
import sys
import unittest


def main():
    result = unittest.main(module="__main__", argv=[sys.argv[0]], verbosity=2,
                           exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.skipped else 0)
