"""The self-test without ears: a known field through the real chain, judged by what both ears would hear."""
