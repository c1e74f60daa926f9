"""Django's admin for whoever runs a program: its texts, the names of its people, its ladders. No tip, no key."""
