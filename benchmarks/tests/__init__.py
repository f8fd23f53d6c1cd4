"""Tests of the books and the verdicts: a benchmark that counts wrongly proves nothing."""
