"""The pages: each takes the model and a language, and returns the variables of its template."""
