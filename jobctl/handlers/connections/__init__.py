"""Two job types that find connections between passages: detect_connections and reprocess_connections."""
