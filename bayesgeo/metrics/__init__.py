"""What a prediction is worth: each file holds metrics of one kind."""
