"""Settings and routing of the tutorial peer."""
