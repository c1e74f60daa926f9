"""Which tips tell of one event, and what each of them says that the others did not.

Pure, but for `kin`: the texts are open only while a tip is assessed, and what is kept of them for a
day are signatures under a key that the triage workers alone hold.
"""
