"""Backups: two encrypted files of one moment, read back as they are written, and the way back from them."""
