"""The pocket model, embedded in the package: a causal transformer small enough to play on two CPU cores."""
