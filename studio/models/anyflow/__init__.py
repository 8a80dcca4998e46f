"""AnyFlow-FAR: a causal Wan of flow maps, which plays with any number of steps."""
