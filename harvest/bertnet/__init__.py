"""Relations out of a language model's memory."""
