"""The pages: each takes the model and a language and gives what its template shows."""
