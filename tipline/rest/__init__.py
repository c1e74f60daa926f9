"""What the APIs of both rooms share: strict JSON in, plain JSON or a problem (RFC 9457) out, nothing kept."""
