"""Two job types for an Obsidian vault: obsidian_export and obsidian_sync."""
