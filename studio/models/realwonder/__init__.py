"""RealWonder's causal student (arXiv 2603.05449): a picture that goes on, and noise that goes along with motion."""
