"""What can be done with people and their sessions. Each function checks the right itself; edges only translate."""
