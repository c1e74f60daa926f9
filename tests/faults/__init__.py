"""Every fault that must not lose a tip or a page, put into a real house: `scripts/test --faults`."""
