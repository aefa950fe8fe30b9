"""What a run did and how good the data are, as JSON reports, each checked against its schema."""
