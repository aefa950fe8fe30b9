"""The shape of every report: one struct each, from which its JSON Schema and its documentation are generated."""
