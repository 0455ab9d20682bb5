"""Two job types that look for connections between passages: detect_connections and reprocess_connections."""
