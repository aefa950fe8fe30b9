"""JSON: lines, documents and arrays."""
