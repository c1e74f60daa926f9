"""How words arrive."""
