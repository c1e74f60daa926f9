"""Input nobody thought of: schemathesis at both APIs, hypothesis at every form. How much: `scripts/test --fuzz`."""
