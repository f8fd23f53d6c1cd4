"""Tests of the terminal client: pure logic first, then real sockets on 127.0.0.1."""
