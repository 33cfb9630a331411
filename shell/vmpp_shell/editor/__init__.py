"""The line editor of the prompt, with completion, history and a line at the bottom that tells."""
