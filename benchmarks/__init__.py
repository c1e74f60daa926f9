"""Measurements on this machine: what a tip costs, and how fast a page leaves. See each file's --help."""
