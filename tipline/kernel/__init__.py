"""What both rooms stand on: sealing, receipts, time. No models, no views."""
