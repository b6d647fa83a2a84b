"""What a file is: the media model and the prober. Knows nothing of profiles or jobs."""
