"""The servers under test, by name."""

from benchmarks.systems.base import System
from benchmarks.systems.parley import Parley
from benchmarks.systems.peers import PersistentTutorial, Raw, RawCommit, SocketIO, Tutorial

SYSTEMS: dict[str, type[System]] = {
    system.name: system for system in (Parley, SocketIO, PersistentTutorial, Tutorial, RawCommit, Raw)
}
