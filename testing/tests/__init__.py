"""Tests of the test tools themselves; they need neither Django nor a database of the project."""
