"""The house: settings, the doors' urls, the task queue, and the kernel the rooms stand on."""
