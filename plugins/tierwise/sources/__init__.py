"""What a source is: described in config/sources.yml, not programmed. One module per way to fetch."""
