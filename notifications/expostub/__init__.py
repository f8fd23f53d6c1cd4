"""A stand-in for Expo's push service on this machine, for tests, benchmarks and the demo. Never asks anybody else."""
