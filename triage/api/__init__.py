"""The API of the console, version 1: for programs that somebody gave a token."""
