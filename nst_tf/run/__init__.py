"""The Hydra edge: from a configuration to objects, through the loop, into a run's folder."""
