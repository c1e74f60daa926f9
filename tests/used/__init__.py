"""A house as programs use it: docs/api.md to the letter, the examples, and what nobody thought of."""
