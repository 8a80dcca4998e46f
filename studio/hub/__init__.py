"""The Hugging Face hub: what can be downloaded, what it takes in memory, and getting it."""
